//! What a target is sent and signed with: secrets by their precedence, services by name, settings by profile.

use devstack::{
    support::clock,
    webhook::{self, Parts, Provider, Secrets, secrets::STRIPE_WEBHOOK_SECRET},
};

use super::{
    PAYMENT, blocking, case, furnish,
    service::{Behaviour, Hit, Service},
    stage,
};
use crate::{sandbox::Run, up::stand::Stand};

/// Whether a delivery was signed with this secret.
fn is_signed_with(hit: &Hit, secret: &str) -> bool {
    let secrets = Secrets::default().with(STRIPE_WEBHOOK_SECRET, secret);
    let headers = hit.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let parts = Parts { body: &hit.body, unix_seconds: clock::unix_seconds(), ..Parts::default() };
    webhook::verify(&Provider::stripe(), &secrets, &headers, &parts).is_ok()
}

async fn run(stand: Stand, variable: Option<&str>, args: &[&str]) -> (Stand, Run) {
    let variable = variable.map(str::to_owned);
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = stand.sandbox.command(&args);
        if let Some(variable) = variable {
            command.env("STRIPE_WEBHOOK_SECRET", variable);
        }
        let run = Run::of(&command.output().unwrap());
        (stand, run)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_comes_from_the_options_file_else_the_environment_else_the_suites_file() {
    let fixture = format!("name: a payment\ndeadline: 1s\n{PAYMENT}response: 500\n");
    let service = Service::start(Behaviour::answers("500 Oops"), None).await;
    let suite = format!("target: {}\nenv_file: .env.test\n", service.url);
    let (mut stand, _otlp) = stage(&[("pay.yaml", &fixture), ("suite.yaml", &suite)]).await;
    stand.sandbox.write("fixtures/.env.test", "export STRIPE_WEBHOOK_SECRET='of the suite' # shared\n");
    stand.sandbox.write("typed.env", "STRIPE_WEBHOOK_SECRET=\"of the option $HOME\"\n");
    stand.sandbox.write("later.env", "STRIPE_WEBHOOK_SECRET=later\n");
    let (typed, later) = (["--env-file", "typed.env"], ["--env-file", "typed.env", "--env-file", "later.env"]);
    let mut expected = Vec::new();
    for (variable, options, secret) in [
        (None, &[][..], "of the suite"),
        (Some("of the environment"), &[][..], "of the environment"),
        (Some("of the environment"), &typed[..], "of the option $HOME"),
        (None, &later[..], "later"),
    ] {
        let args: Vec<&str> = ["replay", "fixtures"].into_iter().chain(options.iter().copied()).collect();
        let run = run(stand, variable, &args).await;
        stand = run.0;
        expected.push(secret);
        let hits = service.hits();
        assert_eq!(hits.len(), expected.len(), "{}", run.1.err);
        assert!(is_signed_with(hits.last().unwrap(), secret), "not signed with `{secret}`");
        for hidden in ["of the suite", "of the environment", "of the option"] {
            assert!(!format!("{}{}", run.1.out, run.1.err).contains(hidden), "a secret is shown");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_go_to_the_service_they_name_and_a_profile_changes_the_target() {
    let (base, ci, web) = (
        Service::start(Behaviour::answers("500 Oops"), None).await,
        Service::start(Behaviour::answers("500 Oops"), None).await,
        Service::start(Behaviour::answers("500 Oops"), None).await,
    );
    let suite = format!(
        "target: {}\nservice: shop\nservices: {{ web: \"{}\" }}\ndeadline: 1s\nprofiles: {{ ci: {{ target: \"{}\" }} }}\n",
        base.url, web.url, ci.url
    );
    let plain = |path: &str, service: &str| format!("name: x\nrequest: {{ path: {path}{service} }}\nresponse: 500\n");
    let fixtures = [
        ("suite.yaml", suite.as_str()),
        ("none.yaml", &plain("/none", "")),
        ("shop.yaml", &plain("/shop", ", service: shop")),
        ("web.yaml", &plain("/web", ", service: web")),
        ("nobody.yaml", &plain("/nobody", ", service: nobody")),
    ];
    let (stand, _otlp) = stage(&fixtures).await;
    let paths = |service: &Service| {
        let mut paths: Vec<_> = service.hits().into_iter().map(|hit| hit.path).collect();
        paths.sort();
        paths
    };
    let (stand, first) = run(stand, None, &["replay", "fixtures", "--format", "json"]).await;
    assert_eq!((paths(&base), paths(&web), paths(&ci).len()), (vec!["/none".into(), "/shop".into()], vec!["/web".into()], 0));
    let report: serde_json::Value = serde_json::from_str(&first.out).unwrap();
    let nobody = super::sentences(case(&report, "nobody"));
    assert!(nobody.contains("`nobody` is not one of the services here (shop, web).") && nobody.contains("services:"), "{nobody}");

    let (stand, second) = run(stand, None, &["replay", "fixtures", "--profile", "ci"]).await;
    assert_eq!((paths(&ci), paths(&base).len()), (vec!["/none".to_owned(), "/shop".to_owned()], 2), "{}", second.err);
    assert!(second.err.starts_with(&format!("embedded stack · {} · 4 fixtures\n", ci.url)), "{}", second.err);

    // By its name, and the command line over both.
    let (_stand, third) = run(stand, None, &["replay", "none", "--profile", "ci", "--target", "web"]).await;
    assert_eq!(paths(&web), ["/none", "/web", "/web"], "{}", third.err);
    assert!(third.err.starts_with(&format!("embedded stack · web at {} · 1 fixture\n", web.url)), "{}", third.err);
    assert!(third.out.contains(&format!("devstack replay none --target {}\n", web.url)), "{}", third.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_needs_externals_that_are_known() {
    let service = Service::start(Behaviour::answers("200 OK"), None).await;
    let externals = Service::start(Behaviour::answers("200 OK"), None).await;
    let fixture = "name: x\ndeadline: 1s\ngiven: { hubspot: [500] }\nrequest: { path: / }\nresponse: 200\n";
    let (stand, _otlp) = stage(&[("given.yaml", fixture)]).await;
    let args = ["replay", "fixtures", "--target", &service.url, "--format", "json"];
    let (stand, without) = run(stand, None, &args).await;
    assert_eq!((without.code, service.hits().len()), (3, 0), "{}", without.out);
    assert!(without.out.contains("case.no-externals"), "{}", without.out);
    furnish(&stand.sandbox, &[("suite.yaml", &format!("services: {{ externals: \"{}\" }}\n", externals.url))]);
    let (_stand, with) = run(stand, None, &args).await;
    assert_eq!(service.hits().len(), 1, "{}", with.out);
    assert!(externals.hits()[0].path.starts_with("/_devstack/scripts/"), "{:?}", externals.hits());
}
