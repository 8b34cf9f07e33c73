//! What traces, logs and metrics share on the wire: resources, scopes, attributes and values, both ways.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value as Any},
    resource::v1::Resource as WireResource,
};

use crate::model::{Attributes, Resource, Scope, Value};

/// Converts attributes from the wire.
pub fn attributes_in(pairs: Vec<KeyValue>) -> Attributes {
    pairs.into_iter().map(|pair| (pair.key, value_in(pair.value))).collect()
}

/// Takes in a resource; none on the wire is one without attributes.
pub(super) fn resource_in(wire: Option<WireResource>) -> Arc<Resource> {
    Arc::new(Resource { attributes: attributes_in(wire.unwrap_or_default().attributes) })
}

pub(super) fn resource_out(resource: &Resource) -> WireResource {
    WireResource { attributes: attributes_out(&resource.attributes), ..Default::default() }
}

/// Takes in a scope; none on the wire is one without a name.
pub(super) fn scope_in(wire: Option<InstrumentationScope>) -> Arc<Scope> {
    let wire = wire.unwrap_or_default();
    Arc::new(Scope { name: wire.name, version: wire.version, attributes: attributes_in(wire.attributes) })
}

pub(super) fn scope_out(scope: &Scope) -> InstrumentationScope {
    InstrumentationScope {
        name: scope.name.clone(),
        version: scope.version.clone(),
        attributes: attributes_out(&scope.attributes),
        dropped_attributes_count: 0,
    }
}

/// Converts attributes to the wire.
pub fn attributes_out(attributes: &Attributes) -> Vec<KeyValue> {
    attributes
        .iter()
        .map(|(key, value)| KeyValue { key: key.to_owned(), value: value_out(value), ..Default::default() })
        .collect()
}

pub(super) fn value_in(wire: Option<AnyValue>) -> Value {
    match wire.and_then(|any| any.value) {
        Some(Any::StringValue(text)) => Value::String(text),
        Some(Any::BoolValue(truth)) => Value::Bool(truth),
        Some(Any::IntValue(number)) => Value::Int(number),
        Some(Any::DoubleValue(number)) => Value::Double(number),
        Some(Any::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(Any::ArrayValue(list)) => Value::Array(list.values.into_iter().map(|value| value_in(Some(value))).collect()),
        Some(Any::KvlistValue(map)) => Value::Map(attributes_in(map.values)),
        _ => Value::Empty,
    }
}

pub(super) fn value_out(value: &Value) -> Option<AnyValue> {
    let any = match value {
        Value::String(text) => Any::StringValue(text.clone()),
        Value::Bool(truth) => Any::BoolValue(*truth),
        Value::Int(number) => Any::IntValue(*number),
        Value::Double(number) => Any::DoubleValue(*number),
        Value::Bytes(bytes) => Any::BytesValue(bytes.clone()),
        Value::Array(values) => {
            Any::ArrayValue(ArrayValue { values: values.iter().map(|value| value_out(value).unwrap_or_default()).collect() })
        }
        Value::Map(map) => Any::KvlistValue(KeyValueList { values: attributes_out(map) }),
        Value::Empty => return None,
    };
    Some(AnyValue { value: Some(any) })
}
