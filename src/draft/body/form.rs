//! Form-encoded bodies and queries: `name=value&…`. A value may itself be a JSON document (Slack's and GitHub's `payload`).

use super::{Disguise, Kind, Sender, json, kind_at, within};
use crate::{
    draft::forms::{percent_decoded, percent_encoded},
    webhook::scan::Step,
};

/// Learns what must not get out.
pub(super) fn learn(sender: &Sender, form: &str, disguise: &mut Disguise) {
    for (key, value) in pairs(form) {
        disguise.word(&key);
        if let Some(kind) = kind(sender, &key, &value) {
            disguise.learn(kind, &value, false);
        }
        within(&value, disguise);
    }
}

/// The form with all of it replaced.
pub(super) fn rewritten(sender: &Sender, form: &str, disguise: &mut Disguise) -> String {
    let fields: Vec<String> = form.split('&').map(|field| rewritten_field(sender, field, disguise)).collect();
    fields.join("&")
}

fn kind(sender: &Sender, key: &str, value: &str) -> Option<Kind> {
    // Tables know the fields of forms by their whole names.
    kind_at(sender, &[Step::Key(key.into())], &steps(key), value).filter(|_| !value.is_empty())
}

fn rewritten_field(sender: &Sender, field: &str, disguise: &mut Disguise) -> String {
    let Some((raw_key, raw)) = field.split_once('=') else { return disguise.applied(field) };
    let (key, value) = (percent_decoded(raw_key, true), percent_decoded(raw, true));
    let new = match kind(sender, &key, &value) {
        Some(kind) => disguise.fresh(kind, &value, false),
        None if json::is_document(&value) => json::rewritten(&Sender::default(), &value, disguise),
        None => disguise.applied(&value),
    };
    let value = if new == value { raw.to_owned() } else { percent_encoded(&new, true) };
    format!("{}={value}", disguise.applied(raw_key))
}

/// The decoded fields.
fn pairs(form: &str) -> impl Iterator<Item = (String, String)> {
    form.split('&').filter_map(|field| {
        let (key, value) = field.split_once('=')?;
        Some((percent_decoded(key, true), percent_decoded(value, true)))
    })
}

/// `user[email]` and `user.email` are steps, as in a document.
fn steps(key: &str) -> Vec<&str> {
    key.split(['[', ']', '.']).filter(|step| !step.is_empty()).collect()
}
