//! Who a service is, as every signal says it.
//!
//! Made from `Settings`; read by the providers that `service` builds.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use super::attributes::{DEPLOYMENT_ENVIRONMENT, SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_VERSION};
use super::settings::Settings;
use crate::support::work::ENDPOINT_ATTRIBUTE;

/// The resource of a service. The process environment is not read here: several services live in one process.
pub(super) fn resource(settings: &Settings) -> Resource {
    let further = settings.resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let work = settings.work_endpoint.iter().map(|address| KeyValue::new(ENDPOINT_ATTRIBUTE, address.clone()));
    Resource::builder_empty()
        .with_attributes(further)
        .with_attributes([
            KeyValue::new(SERVICE_NAME, settings.service.clone()),
            KeyValue::new(SERVICE_VERSION, settings.version.clone()),
            KeyValue::new(SERVICE_NAMESPACE, settings.namespace.clone()),
            KeyValue::new(SERVICE_INSTANCE_ID, settings.instance.clone()),
            KeyValue::new(DEPLOYMENT_ENVIRONMENT, settings.environment.clone()),
            KeyValue::new("telemetry.sdk.language", "rust"),
            KeyValue::new("telemetry.sdk.name", "opentelemetry"),
        ])
        .with_attributes(work)
        .build()
}
