//! Signed deliveries of every provider that devstack can sign for. The one file of these tests that knows how providers are listed.

use std::path::Path;

use devstack::{
    support::{clock, random},
    webhook::{self, Freshness, Provider, Renewal, Secrets, Shift, Signature},
};
use http::HeaderMap;

/// A delivery of a provider, and the personal values in it.
pub(super) struct Delivery {
    pub(super) provider: &'static str,
    pub(super) path: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Texts that may not be in anything that is written.
    pub(super) personal: Vec<String>,
}

/// The shipped body that stands for a provider.
fn shipped(provider: Provider) -> &'static str {
    match provider.name() {
        "whatsapp" => "whatsapp/hot-lead.json",
        "stripe" => "stripe/payment-succeeded.json",
        "pipedrive" => "crm/person-updated.json",
        other => panic!("give a body for {other}"),
    }
}

/// One delivery each.
pub(super) fn of_all(secrets: &Secrets) -> Vec<Delivery> {
    Provider::ALL.into_iter().map(|provider| delivery(provider, secrets)).collect()
}

fn delivery(provider: Provider, secrets: &Secrets) -> Delivery {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(shipped(provider));
    let now = clock::unix_seconds();
    let nonce = u64::from(u32::from_be_bytes(random::bytes()));
    let how = Freshness { ids: Renewal::Fresh, time: Shift::Now, personal: Renewal::Fresh, now, nonce };
    let prepared = webhook::freshen(provider, &std::fs::read(file).unwrap(), how).unwrap();
    let mut headers: HeaderMap =
        webhook::sign(provider, secrets, &prepared.body, now, Signature::Valid).unwrap().into_iter().collect();
    headers.insert("content-type", provider.content_type().parse().unwrap());
    let personal = prepared.replaced.iter().filter(|one| one.kind.is_personal());
    let personal: Vec<String> = personal.flat_map(|one| one.needles().into_iter().chain([one.new.clone()])).collect();
    Delivery { provider: provider.name(), path: provider.route(), headers, body: prepared.body, personal }
}
