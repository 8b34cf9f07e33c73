//! The endpoints of a remote stack: variables replaced, addresses checked, certificates read.
//!
//! Called by `load` with the merged tree. Values of headers are secrets: no message shows one.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{
    desk::Desk,
    expand::{self, Part, Unset},
    formats::url,
    layers::LARGEST,
    merge::Said,
    plan::Endpoints,
    shelf::Shelf,
};
use crate::support::{
    address::Address,
    disk,
    env::Env,
    source::{Place, Problem},
    yaml::formats::duration,
};

/// What endpoints are read with.
pub(super) struct Reader<'a> {
    pub(super) desk: &'a mut Desk,
    /// `None` leaves variables as they are: a file can be right where nothing is set.
    pub(super) env: Option<&'a dyn Env>,
    /// Where a path to certificates starts in a shipped stack.
    pub(super) root: PathBuf,
    /// Variables that were empty or had an empty default, so that an endpoint was left out.
    pub(super) left_out: Vec<String>,
}

impl Reader<'_> {
    /// All endpoints that have an address.
    pub(super) fn endpoints(&mut self, said: &Said) -> Endpoints {
        let mut of = |name: &str| said.get(name).and_then(|said| self.endpoint(said));
        Endpoints {
            otlp_grpc: of("otlp_grpc"),
            otlp_http: of("otlp_http"),
            tempo: of("tempo"),
            jaeger: of("jaeger"),
            prometheus: of("prometheus"),
            grafana: of("grafana"),
        }
    }

    fn endpoint(&mut self, said: &Said) -> Option<Address> {
        let Some(map) = said.map() else { return self.url(said).map(Address::plain) };
        let Some(url) = map.get("url") else {
            let problem = Problem::at(said.key, "missing-key", "this endpoint has no address").label("it is missing here");
            self.desk.complain(said.layer, problem.help("`url`: the address"));
            return None;
        };
        let address = Address::plain(self.url(url)?);
        let headers = map.get("headers").map(|said| self.headers(said)).unwrap_or_default();
        let ca = map.get("ca").and_then(|said| self.certificates(said));
        let timeout: Option<Duration> = map.get("timeout").and_then(Said::text).and_then(|text| duration(text).ok());
        if !headers.is_empty() && address.url.starts_with("http://") && !is_loopback(&address.url) {
            let problem =
                Problem::at(url.blame, "secret-in-clear", "headers go to this address unencrypted").label("not `https://`");
            self.desk.complain(url.layer, problem.warning());
        }
        Some(Address { headers, ca, timeout: timeout.unwrap_or(address.timeout), ..address })
    }

    /// An address; `None` where it is empty, or wrong, which is a problem then.
    fn url(&mut self, said: &Said) -> Option<String> {
        let written = said.text()?;
        let text = self.expanded(said)?;
        if text.trim().is_empty() {
            let variables = expand::parts(written).unwrap_or_default().into_iter().filter_map(|part| match part {
                Part::Variable { name, .. } => Some(name.to_owned()),
                Part::Text(_) => None,
            });
            self.left_out.extend(variables);
            return None;
        }
        match url(&text) {
            Ok(()) => Some(text),
            // Without a variable its form has been complained about already.
            Err(_) if text == written => None,
            Err(label) => {
                let problem = Problem::at(said.blame, "bad-value", "with its variables replaced this is not an address");
                self.desk.complain(said.layer, problem.label(label));
                None
            }
        }
    }

    /// Headers by name in small letters: another layer may write them otherwise. An empty one is left out.
    fn headers(&mut self, said: &Said) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        for (name, said) in said.entries() {
            let Some(value) = self.expanded(said) else { continue };
            let name = name.to_ascii_lowercase();
            if value.is_empty() {
                headers.remove(&name);
            } else if http::HeaderValue::from_str(&value).is_err() {
                let problem = Problem::at(said.blame, "bad-value", format!("the value of `{name}` cannot be sent"));
                self.desk.complain(said.layer, problem.label("signs that a header cannot have"));
            } else {
                headers.insert(name, value);
            }
        }
        headers
    }

    fn certificates(&mut self, said: &Said) -> Option<String> {
        let path = self.expanded(said).filter(|path| !path.is_empty())?;
        let layer = self.desk.layer(said.layer);
        // A shipped stack has no certificates: the path is the user's.
        let folder = if layer.shelf == Shelf::Embedded { &self.root } else { &layer.folder };
        let bytes = disk::read(&folder.join(&path), LARGEST);
        let problem =
            |why: String| Problem::at(said.blame, "bad-certificates", format!("cannot use the certificates `{path}`: {why}"));
        let problem = match bytes.map(String::from_utf8) {
            Ok(Ok(text)) if text.contains("-----BEGIN CERTIFICATE-----") => return Some(text),
            Ok(_) => problem("it holds none in PEM form".to_owned()).label("not PEM"),
            Err(error) => problem(error.to_string()).label("not read"),
        };
        self.desk.complain(said.layer, problem);
        None
    }

    /// The text with its variables replaced; `None` where one is not set, which is a problem, or where nothing is replaced.
    fn expanded(&mut self, said: &Said) -> Option<String> {
        let text = said.text()?;
        let parts = expand::parts(text).ok()?;
        let Some(env) = self.env else {
            return parts.iter().all(|part| matches!(part, Part::Text(_))).then(|| text.to_owned());
        };
        match expand::expand(&parts, env) {
            Ok(text) => Some(text),
            Err(Unset(name)) => {
                let place = self.place_of(said, name);
                let problem = Problem::at(place, "unset-variable", format!("the environment has no `{name}`")).label("not set");
                self.desk.complain(said.layer, problem.help(format!("set it, or write `${{{name}:-}}` to do without")));
                None
            }
        }
    }

    /// The place of a variable in a value, where it stands there as it is.
    fn place_of(&self, said: &Said, name: &str) -> Place {
        let source = &self.desk.layer(said.layer).source;
        let variable = format!("${{{name}}}");
        let at = source.get(said.blame.range()).and_then(|text| text.find(&variable).filter(|at| text[..*at].is_ascii()));
        at.map_or(said.blame, |at| said.blame.part(at, variable.len()))
    }
}

fn is_loopback(url: &str) -> bool {
    let host = url.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(|host| host.trim_matches(['[', ']']).to_owned()));
    host.is_some_and(|host| host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()))
}
