//! The CRM's (Pipedrive's) webhook body: a person or a deal that changed (`medicalcor.md` 2.7).
//!
//! Read by `api::crm`, which upserts it.

use serde::Deserialize;
use serde_json::Value;

/// The whole body.
#[derive(Debug, Deserialize)]
pub(crate) struct Webhook {
    #[serde(rename = "event")]
    _event: String,
    meta: Meta,
    current: Value,
}

#[derive(Debug, Deserialize)]
struct Meta {
    object: Object,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Object {
    Person,
    Deal,
}

/// What changed.
#[derive(Debug)]
pub(crate) enum Change {
    /// A person: becomes a lead.
    Person(Person),
    /// A deal: becomes a treatment plan.
    Deal(Deal),
}

/// A person of the CRM.
#[derive(Debug, Deserialize)]
pub(crate) struct Person {
    pub(crate) id: Id,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    phone: Option<Contact>,
    #[serde(default)]
    email: Option<Contact>,
}

/// A deal of the CRM.
#[derive(Debug, Deserialize)]
pub(crate) struct Deal {
    pub(crate) id: Id,
    #[serde(default)]
    pub(crate) person_id: Option<Id>,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) value: Option<f64>,
    #[serde(default)]
    pub(crate) currency: Option<String>,
    #[serde(default)]
    pub(crate) status: Option<String>,
}

/// Pipedrive's ids are numbers; other CRMs behind the same route send text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Id {
    Number(i64),
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Contact {
    One(String),
    Many(Vec<Labelled>),
}

#[derive(Debug, Deserialize)]
struct Labelled {
    value: String,
}

impl Webhook {
    /// The person or deal in it.
    pub(crate) fn change(self) -> Result<Change, serde_json::Error> {
        Ok(match self.meta.object {
            Object::Person => Change::Person(serde_json::from_value(self.current)?),
            Object::Deal => Change::Deal(serde_json::from_value(self.current)?),
        })
    }
}

impl Person {
    /// The first telephone number, if any.
    pub(crate) fn phone(&self) -> Option<&str> {
        self.phone.as_ref().and_then(Contact::first)
    }

    /// The first mail address, if any.
    pub(crate) fn email(&self) -> Option<&str> {
        self.email.as_ref().and_then(Contact::first)
    }
}

impl Id {
    /// The id as text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Contact {
    fn first(&self) -> Option<&str> {
        match self {
            Self::One(value) => Some(value.as_str()),
            Self::Many(values) => values.first().map(|labelled| labelled.value.as_str()),
        }
        .filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Change, Webhook};

    #[test]
    fn a_person_may_give_one_number_or_a_list() {
        for phone in [json!("+40721"), json!([{"value": "+40721", "primary": true}])] {
            let body = json!({"event": "updated.person", "meta": {"object": "person"}, "current": {"id": 7, "name": "x", "phone": phone}});
            let Change::Person(person) = serde_json::from_value::<Webhook>(body).unwrap().change().unwrap() else {
                panic!("a person")
            };
            assert_eq!((person.id.text().as_str(), person.phone(), person.email()), ("7", Some("+40721"), None));
        }
    }

    #[test]
    fn another_object_and_a_person_without_id_are_refused() {
        let organisation = json!({"event": "updated.organization", "meta": {"object": "organization"}, "current": {"id": 1}});
        assert!(serde_json::from_value::<Webhook>(organisation).is_err());
        let nobody = json!({"event": "updated.person", "meta": {"object": "person"}, "current": {}});
        assert!(serde_json::from_value::<Webhook>(nobody).unwrap().change().is_err());
    }
}
