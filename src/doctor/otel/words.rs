//! Variables whose values are words, numbers or lists: protocols, headers, and the switches that turn telemetry off.

use super::Family;
use crate::{
    doctor::Check,
    support::{env::Env, suggest},
};

const ENABLED: &str = "OTEL_ENABLED";
const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
const PROPAGATORS: &str = "OTEL_PROPAGATORS";

/// The variables of [`switches`].
pub(super) const SWITCHES: [&str; 6] = [ENABLED, DISABLED, EXPORTER, SAMPLER, SAMPLER_ARG, PROPAGATORS];

const PROTOCOLS: [&str; 3] = ["http/protobuf", "http/json", "grpc"];
const EXPORTERS: [&str; 5] = ["otlp", "none", "console", "zipkin", "jaeger"];
const SAMPLERS: [&str; 9] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
    "parentbased_jaeger_remote",
    "jaeger_remote",
    "xray",
];

/// Protocol and headers of these signals.
pub(super) fn family(family: &Family, env: &dyn Env) -> Vec<Check> {
    let protocol = env.get(family.protocol).and_then(|text| protocol(family.protocol, text.trim()));
    let headers = env.get(family.headers).and_then(|text| headers(family.headers, text.trim()));
    protocol.into_iter().chain(headers).collect()
}

/// What turns tracing off, altogether or for traces that begin here, and what cuts traces apart.
pub(super) fn switches(env: &dyn Env) -> Vec<Check> {
    let says = |name, word: &str| env.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word));
    let off = |name: &'static str, word: &str| {
        let words = format!("{name}={word} turns telemetry off");
        says(name, word).then(|| Check::attention("otel.disabled", words).fix(format!("unset {name}")).detail("variable", name))
    };
    [off(DISABLED, "true"), off(ENABLED, "false"), exporter(env), sampler(env), propagators(env)].into_iter().flatten().collect()
}

fn protocol(variable: &'static str, text: &str) -> Option<Check> {
    if PROTOCOLS.contains(&text) {
        return None;
    }
    let word = text.to_ascii_lowercase();
    // What people write for the standard's default is far from its name.
    let near = match word.as_str() {
        "http" | "https" | "protobuf" | "http-protobuf" | "http_protobuf" | "http/proto" => Some(PROTOCOLS[0]),
        // `http/json` is shorter and so nearer to everything; it is meant only where it says so.
        word => suggest::nearest(word, PROTOCOLS)
            .map(|near| if near == PROTOCOLS[1] && !word.contains('j') { PROTOCOLS[0] } else { near }),
    };
    Some(misspelled("otel.protocol", variable, "a protocol", near, PROTOCOLS[0]))
}

/// `key=value,…`; what stands there is not repeated, be it right or wrong.
fn headers(variable: &'static str, text: &str) -> Option<Check> {
    let is_pair = |entry: &str| entry.split_once('=').is_some_and(|(key, _)| http::HeaderName::try_from(key.trim()).is_ok());
    let words = if text.starts_with(['{', '[']) {
        "is JSON"
    } else if text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).all(is_pair) {
        return None;
    } else {
        "has an entry that is not `key=value`"
    };
    let fix = format!("export {variable}='name=value,other-name=value'");
    Some(
        Check::attention("otel.headers", format!("{variable} {words}; exporters drop it or refuse to start"))
            .fix(fix)
            .detail("variable", variable),
    )
}

fn exporter(env: &dyn Env) -> Option<Check> {
    const CODE: &str = "otel.exporter";
    let text = env.get(EXPORTER)?;
    let names: Vec<_> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.contains(&"otlp") {
        return None;
    }
    let unset = format!("unset {EXPORTER}");
    let check = match names.as_slice() {
        ["none"] => Check::attention(CODE, format!("{EXPORTER}=none: no trace is exported")).fix(unset),
        names if names.iter().all(|name| EXPORTERS.contains(name)) => {
            Check::attention(CODE, format!("{EXPORTER} does not name otlp: traces go elsewhere")).fix(unset)
        }
        names => {
            let near = names.iter().find_map(|name| suggest::nearest(name, EXPORTERS));
            return Some(misspelled(CODE, EXPORTER, "an exporter of the standard", near, "otlp"));
        }
    };
    Some(check.detail("variable", EXPORTER))
}

fn sampler(env: &dyn Env) -> Option<Check> {
    const CODE: &str = "otel.sampler";
    let text = env.get(SAMPLER)?;
    let name = text.trim().to_ascii_lowercase();
    let known = SAMPLERS.into_iter().find(|known| *known == name);
    let Some(known) = known else {
        return Some(misspelled(CODE, SAMPLER, "a sampler", suggest::nearest(&name, SAMPLERS), "parentbased_always_on"));
    };
    let fix = format!("unset {SAMPLER} {SAMPLER_ARG}");
    let words = match known {
        "always_off" => format!("{SAMPLER}={known} drops every trace"),
        "parentbased_always_off" => format!("{SAMPLER}={known} drops every trace that begins here"),
        "traceidratio" | "parentbased_traceidratio" => {
            let ratio = env.get(SAMPLER_ARG)?.trim().parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            match ratio {
                None => format!("{SAMPLER_ARG} is not a number from 0 to 1"),
                Some(0.0) => format!("{SAMPLER}={known} with {SAMPLER_ARG}=0 drops every trace that begins here"),
                Some(_) => return None,
            }
        }
        _ => return None,
    };
    Some(Check::attention(CODE, words).fix(fix).detail("variable", SAMPLER))
}

fn propagators(env: &dyn Env) -> Option<Check> {
    let text = env.get(PROPAGATORS)?;
    let has = text.split(',').any(|name| name.trim() == "tracecontext");
    let words = format!("{PROPAGATORS} does not name tracecontext: traces end at this service");
    let fix = format!("export {PROPAGATORS}=tracecontext,baggage");
    (!has).then(|| Check::attention("otel.propagators", words).fix(fix).detail("variable", PROPAGATORS))
}

fn misspelled(code: &'static str, variable: &'static str, what: &str, near: Option<&str>, default: &str) -> Check {
    let guess = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    Check::attention(code, format!("{variable} is not {what}{guess}"))
        .fix(format!("export {variable}={}", near.unwrap_or(default)))
        .detail("variable", variable)
}
