//! The event of a notification, whatever form its data have.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Event, Notification};
use crate::codegen::Enclosed;
use crate::wire::{decode, decode_value};

impl Notification {
    /// Returns the event with its data, of which JSON in a string is read, too.
    ///
    /// Data that do not have the form of their kind are left out; [`data`](Self::data) still has them.
    ///
    /// ```
    /// use callbot::aicall::callback::{Event, Notification, Producer};
    ///
    /// let json = r#"{
    ///     "instanceId": "instance-1",
    ///     "event": "chat_record",
    ///     "data": "{\"dialogues\":[{\"producer\":\"user\",\"text\":\"Hello\"}]}"
    /// }"#;
    /// let notification: Notification = serde_json::from_str(json)?;
    /// let Event::ChatRecorded(Some(record)) = notification.event() else { panic!("no record") };
    /// assert_eq!(record.dialogues[0].producer, Some(Producer::User));
    /// assert_eq!(record.dialogues[0].text.as_deref(), Some("Hello"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn event(&self) -> Event {
        let mut object = Map::new();
        object.insert(Event::TAG.into(), self.event_name.as_str().into());
        let without = object.clone();
        if let Some(data) = self.given_data() {
            object.insert(Event::CONTENT.into(), data.into_owned());
        }
        let read = decode_value(&object.clone().into());
        // Without data, every known kind can be read.
        read.or_else(|_| decode_value(&without.into())).unwrap_or_else(|_| Event::unknown(object))
    }

    /// Returns the data. Those of a chat record may also be beside the other fields, where receivers look
    /// for them.
    fn given_data(&self) -> Option<Cow<'_, Value>> {
        match &self.data {
            Some(Value::String(text)) => Some(match decode(text.as_bytes()) {
                Ok(json) => Cow::Owned(json),
                Err(_) => Cow::Owned(text.as_str().into()),
            }),
            Some(Value::Null) | None => {
                let beside = self.extra.contains_key("dialogues");
                beside.then(|| Cow::Owned(Value::Object(self.extra.clone().into_iter().collect())))
            }
            Some(data) => Some(Cow::Borrowed(data)),
        }
    }

    /// Returns the id of the call: that of the notification, or else that of
    /// [`extend_data`](Self::extend_data). Returns `None` if both are missing or empty.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        let further = self.extend_data.as_ref().and_then(|data| data.instance_id.as_deref());
        [Some(self.instance_id.as_str()), further].into_iter().flatten().find(|id| !id.is_empty())
    }
}
