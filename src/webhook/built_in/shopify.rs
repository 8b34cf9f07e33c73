//! Shopify: orders, checkouts and customers.
//!
//! Read by `built_in`. The topic and the shop come from the fixture's headers.

use http::HeaderName;

use crate::webhook::{
    definition::{Definition, Encoding, Row, Signing, template},
    fields::FieldKind::{Email, Id, Name, Phone, Text, Time},
    secrets::SHOPIFY_API_SECRET,
};

pub(super) fn definition() -> Definition {
    Definition {
        path: Some("/webhooks/shopify".to_owned()),
        headers: vec![(HeaderName::from_static("x-shopify-webhook-id"), template("${id}"))],
        event: Some(HeaderName::from_static("x-shopify-topic")),
        signing: Some(Signing {
            encoding: Encoding::Base64,
            ..Signing::of_body(HeaderName::from_static("x-shopify-hmac-sha256"), SHOPIFY_API_SECRET)
        }),
        ..Definition::new("shopify").with_fields(FIELDS)
    }
}

const FIELDS: &[Row] = &[
    ("id", Id),
    ("token", Id),
    ("cart_token", Id),
    ("checkout_token", Id),
    ("confirmation_number", Id),
    ("created_at", Time),
    ("updated_at", Time),
    ("processed_at", Time),
    ("cancelled_at", Time),
    ("closed_at", Time),
    ("email", Email),
    ("contact_email", Email),
    ("phone", Phone),
    ("first_name", Name),
    ("last_name", Name),
    ("note", Text),
    ("line_items.*.id", Id),
    ("customer.id", Id),
    ("customer.email", Email),
    ("customer.phone", Phone),
    ("customer.first_name", Name),
    ("customer.last_name", Name),
    ("customer.note", Text),
    ("customer.created_at", Time),
    ("customer.updated_at", Time),
    ("customer.default_address.name", Name),
    ("customer.default_address.first_name", Name),
    ("customer.default_address.last_name", Name),
    ("customer.default_address.phone", Phone),
    ("customer.default_address.address1", Text),
    ("billing_address.name", Name),
    ("billing_address.first_name", Name),
    ("billing_address.last_name", Name),
    ("billing_address.phone", Phone),
    ("billing_address.address1", Text),
    ("shipping_address.name", Name),
    ("shipping_address.first_name", Name),
    ("shipping_address.last_name", Name),
    ("shipping_address.phone", Phone),
    ("shipping_address.address1", Text),
    ("default_address.name", Name),
    ("default_address.first_name", Name),
    ("default_address.last_name", Name),
    ("default_address.phone", Phone),
    ("default_address.address1", Text),
];
