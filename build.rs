//! Compiles the specs of the enabled platforms to Rust files in `OUT_DIR`.

#[path = "build/mod.rs"]
#[allow(unreachable_pub)]
mod compiler;

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use compiler::{Settings, compile};

/// The docs of a client that a hand-written `Client` wraps.
#[cfg(feature = "client")]
const WIRE_CLIENT: &str = "It has the operations as the spec defines them. Prefer \
[`Client`](super::Client), which wraps it, unless you need a call that it does not offer.";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=specs");
    let settings = Settings {
        #[cfg(feature = "client")]
        client: true,
        server: cfg!(feature = "server"),
        schemas: cfg!(feature = "schemars"),
        ..Settings::default()
    };
    if cfg!(feature = "digital-employee") {
        digital_employee(settings)?;
    }
    if cfg!(feature = "duix") {
        duix(settings)?;
    }
    if cfg!(feature = "odfs") {
        write(
            "odfs.yaml",
            &Settings {
                formats: &[("call-time", "super::CallTime"), ("play-template", "super::ModelType")],
                wire_server: true,
                ..wrapped(settings)
            },
        )?;
    }
    if cfg!(feature = "chat") {
        chat(settings)?;
    }
    if cfg!(feature = "aicall") {
        let formats = &[("gmt-time", "super::GmtTime")];
        write("aicall.yaml", &Settings { formats, ..settings })?;
        write(
            "aicall-callback.yaml",
            &Settings { outputs: &[("notify", "()")], wire_server: true, ..wrapped(settings) },
        )?;
    }
    if cfg!(feature = "aui") {
        let aicall = ("aicall.yaml", "crate::aicall");
        write("ice.yaml", &Settings { modules: &[aicall], ..settings })?;
        let modules = &[aicall, ("ice.yaml", "crate::aui::ice")];
        write("aui.yaml", &Settings { modules, wire_server: true, ..wrapped(settings) })?;
    }
    Ok(())
}

fn digital_employee(settings: Settings<'_>) -> Result<(), Box<dyn Error>> {
    write(
        "digital-employee.yaml",
        &Settings {
            outputs: &[("abortDialogue", "()"), ("endSession", "()")],
            optional: &["abortDialogue", "endSession"],
            #[cfg(feature = "client")]
            client_docs: include_str!("src/digital_employee/client.md"),
            api_docs: include_str!("src/digital_employee/api.md"),
            server_docs: include_str!("src/digital_employee/server.md"),
            ..settings
        },
    )
}

fn chat(settings: Settings<'_>) -> Result<(), Box<dyn Error>> {
    write(
        "chat-completions.yaml",
        &Settings {
            api_docs: include_str!("src/chat/api.md"),
            server_docs: include_str!("src/chat/server.md"),
            ..wrapped(settings)
        },
    )
}

fn duix(settings: Settings<'_>) -> Result<(), Box<dyn Error>> {
    write(
        "duix.yaml",
        &Settings {
            outputs: &[
                ("concurrency", "Concurrency"),
                ("sessions", "serde_json::Value"),
                ("stopAllSessionsOfApp", "()"),
                ("stopSession", "()"),
                ("conversation", "Conversation"),
                ("conversationV2", "Conversation"),
                ("createAvatar", "CreatedAvatar"),
                ("avatar", "Avatar"),
            ],
            optional: &["conversationV2", "createAvatar", "avatar"],
            api_docs: include_str!("src/duix/api.md"),
            server_docs: include_str!("src/duix/server.md"),
            ..wrapped(settings)
        },
    )?;
    write(
        "duix-dialogue.yaml",
        &Settings {
            modules: &[("duix.yaml", "crate::duix")],
            outputs: &[("dialogue", "Answer")],
            optional: &["dialogue", "dialogueStream"],
            #[cfg(feature = "client")]
            client_docs: include_str!("src/duix/dialogue/client.md"),
            api_docs: include_str!("src/duix/dialogue/api.md"),
            server_docs: include_str!("src/duix/dialogue/server.md"),
            ..settings
        },
    )
}

/// Returns the settings of a spec whose client a hand-written `Client` wraps.
fn wrapped(settings: Settings<'_>) -> Settings<'_> {
    Settings {
        #[cfg(feature = "client")]
        wire_client: true,
        #[cfg(feature = "client")]
        client_docs: WIRE_CLIENT,
        ..settings
    }
}

/// Compiles `specs/digital-employee.yaml` to `OUT_DIR/digital_employee.rs`.
fn write(spec: &str, settings: &Settings<'_>) -> Result<(), Box<dyn Error>> {
    // The message as text, since cargo prints the `Debug` form of the error that `main` returns.
    let code = compile(&PathBuf::from("specs").join(spec), settings).map_err(|e| e.to_string())?;
    let module = spec.trim_end_matches(".yaml").replace('-', "_");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join(module).with_extension("rs"), code)?;
    Ok(())
}
