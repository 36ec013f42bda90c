//! A bot on all platforms together, or on those that it fits.

use axum::Router;

use crate::bot::capabilities::Platform;
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::needs::NeedsError;

/// The routes of the platforms that have what a bot requires; see [`Host::fitting`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Fitting {
    /// The routes of [`platforms`](Self::platforms).
    pub router: Router,
    /// The platforms that the bot is on.
    pub platforms: Vec<Platform>,
    /// The platforms that the bot is not on, with what each lacks.
    pub left_out: Vec<NeedsError>,
}

impl<B: Bot> Host<B> {
    /// Returns the routes of every platform that is compiled in, with the default settings of each. For a
    /// bot that does not fit every platform, use [`fitting`](Self::fitting). Chat completions are among them
    /// only if there is a [key](crate::bot::HostBuilder::chat_key) for them, and the callbacks of AICall only
    /// if there is a [token](crate::bot::HostBuilder::aicall_callback_token).
    ///
    /// **These routes check nobody**, except those of chat completions and of AICall's callbacks. DUIX and ODFS are open to anybody who
    /// reaches the server, and so is Digital Employee unless the gateway of Function Compute checks its
    /// signatures. A warning in the log names the platforms. In production, take the server of each platform
    /// from its own method and close the door:
    ///
    /// | Platform | Method | What closes the door |
    /// |---|---|---|
    /// | Digital Employee | `digital_employee` | a [`VerifyLayer`](crate::auth::VerifyLayer) around its routes, or the gateway |
    /// | DUIX | `duix` | `secret`: a header that your gateway adds |
    /// | ODFS | `odfs` | `issuer`, or `authorize` |
    /// | AICall, other chat completions | `chat` | `key` |
    ///
    /// [The guide](crate::guide::production) has a program that does all of that.
    ///
    /// # Errors
    /// Returns an error if one of them lacks something that the bot requires. One kind of dialogue on DUIX suffices.
    pub fn router(&self) -> Result<Router, NeedsError> {
        let router = Router::new();
        #[cfg(feature = "digital-employee")]
        let router = router.merge(self.digital_employee()?.router());
        #[cfg(feature = "duix")]
        let router = router.merge(self.duix()?.router());
        #[cfg(feature = "odfs")]
        let router = router.merge(self.odfs()?.router());
        #[cfg(feature = "chat")]
        let router = match self.chat_settings().has_key() {
            true => router.merge(self.chat()?.router()),
            false => router,
        };
        #[cfg(all(feature = "aicall", feature = "chat"))]
        let router = router.merge(self.callback_routes());
        warn_open(&compiled_in());
        Ok(router)
    }

    /// Returns the routes of the platforms that are compiled in and have what the bot requires, with the
    /// default settings of each. A warning in the log names each platform that is left out. If no
    /// platform fits, the router is empty.
    ///
    /// Like those of [`router`](Self::router), these routes are open to anybody, and those of chat completions
    /// are there only with a key.
    ///
    /// ```
    /// # #[cfg(all(feature = "digital-employee", feature = "duix", feature = "odfs"))] {
    /// use callbot::bot::{Bot, Call, HangUp, Host, Input, Needs, Platform, Reply, Result};
    ///
    /// struct Goodbye;
    ///
    /// impl Bot for Goodbye {
    ///     type Memory = ();
    ///
    ///     fn needs(&self) -> Needs {
    ///         Needs::NONE.hang_up()
    ///     }
    ///
    ///     async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
    ///         reply.say("Goodbye.").await?;
    ///         reply.hang_up(HangUp::default()).await
    ///     }
    /// }
    ///
    /// let host = Host::new(Goodbye);
    /// assert!(host.router().is_err());
    /// let fitting = host.fitting();
    /// assert_eq!(fitting.platforms, [Platform::DigitalEmployee, Platform::Odfs]);
    /// assert_eq!(fitting.left_out[0].platform, Platform::Duix);
    /// # }
    /// ```
    #[must_use]
    pub fn fitting(&self) -> Fitting {
        let fitting =
            Fitting { router: Router::new(), platforms: Vec::new(), left_out: Vec::new() };
        #[cfg(feature = "digital-employee")]
        let fitting = {
            let router = self.digital_employee().map(|server| server.router());
            self.with(fitting, &[Platform::DigitalEmployee], router)
        };
        #[cfg(feature = "duix")]
        let fitting = {
            let router = self.duix().map(|server| server.router());
            self.with(fitting, &[Platform::Duix, Platform::DuixStream], router)
        };
        #[cfg(feature = "odfs")]
        let fitting = {
            let router = self.odfs().map(|server| server.router());
            self.with(fitting, &[Platform::Odfs], router)
        };
        #[cfg(feature = "chat")]
        let fitting = self.with_chat(fitting);
        #[cfg(all(feature = "aicall", feature = "chat"))]
        let fitting = Fitting { router: fitting.router.merge(self.callback_routes()), ..fitting };
        for error in &fitting.left_out {
            tracing::warn!("{error}; its routes are left out");
        }
        warn_open(&fitting.platforms);
        fitting
    }

    /// Returns `fitting` with the routes that `platforms` share.
    fn with(
        &self,
        mut fitting: Fitting,
        platforms: &[Platform],
        router: Result<Router, NeedsError>,
    ) -> Fitting {
        if let Ok(router) = router {
            fitting.router = fitting.router.merge(router);
        }
        for platform in platforms {
            match self.capabilities(*platform) {
                Ok(_) => fitting.platforms.push(*platform),
                Err(error) => fitting.left_out.push(error),
            }
        }
        fitting
    }
}

#[cfg(all(feature = "aicall", feature = "chat"))]
impl<B: Bot> Host<B> {
    /// Returns the route of AICall's callbacks, if there is a token.
    fn callback_routes(&self) -> Router {
        match self.aicall_callback_tokens() {
            [] => Router::new(),
            _ => self.aicall_callbacks().router(),
        }
    }
}

#[cfg(feature = "chat")]
impl<B: Bot> Host<B> {
    /// Returns `fitting` with the routes of chat completions, if there is a key. Requests do not say
    /// beforehand which platform sends them, so the bot has to fit all that the settings allow.
    fn with_chat(&self, mut fitting: Fitting) -> Fitting {
        let settings = self.chat_settings();
        if settings.has_key() {
            match self.chat() {
                Ok(server) => {
                    fitting.router = fitting.router.merge(server.router());
                    fitting.platforms.extend(settings.platforms());
                }
                Err(error) => fitting.left_out.push(error),
            }
        }
        fitting
    }
}

/// Returns the platforms that are compiled in.
fn compiled_in() -> Vec<Platform> {
    let all = Platform::ALL.into_iter();
    let is_in = |platform: &Platform| match platform {
        Platform::DigitalEmployee => cfg!(feature = "digital-employee"),
        Platform::Duix | Platform::DuixStream => cfg!(feature = "duix"),
        Platform::Odfs => cfg!(feature = "odfs"),
        // Only with a key.
        Platform::AiCall | Platform::Chat => false,
    };
    all.filter(is_in).collect()
}

/// Warns of the platforms whose routes check nobody, with what would close each of them.
fn warn_open(platforms: &[Platform]) {
    let closed_by = |platform: &Platform| match platform {
        Platform::DigitalEmployee => "a `VerifyLayer`, unless a gateway checks its signatures",
        Platform::Duix | Platform::DuixStream => "a `secret`",
        Platform::Odfs => "an `issuer`",
        Platform::AiCall | Platform::Chat => "a `key`",
    };
    let mut open: Vec<_> =
        platforms.iter().map(|platform| (platform.name(), closed_by(platform))).collect();
    // The two kinds of DUIX are one door.
    open.dedup();
    let open: Vec<_> = open.iter().map(|(name, by)| format!("{name} (closed by {by})")).collect();
    if !open.is_empty() {
        tracing::warn!("open to anybody: {}", open.join(", "));
    }
}
