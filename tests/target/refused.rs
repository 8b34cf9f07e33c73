//! What is wrong with a target, told exactly and before anything is sent.

use super::{PAYMENT, furnish};
use crate::sandbox::{Run, Sandbox};

fn project(fixtures: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    let payment = format!("name: a payment\n{PAYMENT}response: 200\n");
    furnish(&sandbox, &[("pay.yaml", &payment)]);
    furnish(&sandbox, fixtures);
    sandbox
}

fn refused(sandbox: &Sandbox, args: &[&str]) -> String {
    let all: Vec<&str> = ["replay", "fixtures"].into_iter().chain(args.iter().copied()).collect();
    let run = Run::of(&sandbox.command(&all).env("CRM_WEBHOOK_SECRET", "of the environment").output().unwrap());
    assert_eq!(run.code, 2, "{args:?}\n{}\n{}", run.out, run.err);
    assert!(run.out.is_empty(), "nothing may run: {}", run.out);
    run.err
}

const HERE: [&str; 2] = ["--target", "http://127.0.0.1:9"];

#[test]
fn all_missing_secrets_are_named_with_who_needs_them_and_no_value() {
    let body = "{\"entry\": []}";
    let sandbox = project(&[
        ("message.json", body),
        ("message.yaml", "name: x\nrequest: { whatsapp: message.json }\nresponse: 200\n"),
        ("forged.yaml", "name: x\nrequest: { stripe: payment.json, signature: forged }\nresponse: 401\n"),
        ("person.yaml", "name: x\nrequest: { crm: message.json, signature: missing }\nresponse: 401\n"),
        ("verify.yaml", "name: x\nrequest: { path: \"/verify?token=${secret.WHATSAPP_VERIFY_TOKEN}\" }\nresponse: 200\n"),
        ("again.yaml", &format!("name: x\nsteps: [{{ {} }}, {{ request: {{ repeat: 1 }} }}]\n", PAYMENT.trim())),
    ]);
    sandbox.write("some.env", "OTHER=hidden\n");
    let said = refused(&sandbox, &["--target", "http://127.0.0.1:9", "--env-file", "some.env"]);
    assert_eq!(
        said,
        "error: 3 secrets are not set; nothing was sent
  STRIPE_WEBHOOK_SECRET    for again, pay
  WHATSAPP_VERIFY_TOKEN    for verify
  WHATSAPP_WEBHOOK_SECRET  for message
hint: set them in the environment, or in a file: `--env-file FILE`, or `env_file: FILE` in suite.yaml
"
    );
}

#[test]
fn a_suites_file_that_is_not_there_is_told_where_it_would_have_helped() {
    let sandbox = project(&[("suite.yaml", "target: http://127.0.0.1:9\nenv_file: .env.test\n")]);
    let said = refused(&sandbox, &[]);
    assert!(
        said.starts_with("error: a secret is not set; nothing was sent\n  STRIPE_WEBHOOK_SECRET  for pay\nhint: `"),
        "{said}"
    );
    assert!(said.contains("fixtures/.env.test`, which suite.yaml names, is not there\n"), "{said}");
}

#[test]
fn another_machine_has_to_be_allowed_by_name() {
    let sandbox = project(&[("pay.yaml", "name: x\nrequest: { path: / }\nresponse: 200\n")]);
    assert_eq!(
        refused(&sandbox, &["--target", "https://192.0.2.7/base"]),
        "error: `https://192.0.2.7/base` is not on this machine; nothing was sent
hint: `--allow-target 192.0.2.7` sends to it all the same; in suite.yaml `allow_target: [192.0.2.7]`
"
    );
    furnish(&sandbox, &[("suite.yaml", "services: { web: \"http://192.0.2.9:80\" }\nallow_target: [192.0.2.8]\n")]);
    assert_eq!(
        refused(&sandbox, &["--target", "http://192.0.2.7"]),
        "error: `http://192.0.2.7`, `http://192.0.2.9:80` are not on this machine; nothing was sent
hint: `--allow-target 192.0.2.7 --allow-target 192.0.2.9` sends to them all the same; in suite.yaml `allow_target: [192.0.2.7, 192.0.2.9]`
"
    );
    // Allowed by either, and then it is only not there.
    let run = sandbox.run(&[
        "replay",
        "fixtures",
        "--target",
        "http://192.0.2.8:9",
        "--allow-target",
        "192.0.2.9",
        "--deadline",
        "300ms",
        "--otlp-ports",
        "0,0",
    ]);
    assert_eq!(run.code, 3, "{}\n{}", run.out, run.err);
    assert!(run.out.contains("http://192.0.2.8:9") || run.err.contains("http://192.0.2.8:9"), "{}", run.err);
}

#[test]
fn profiles_services_and_options_that_do_not_fit() {
    let sandbox = project(&[(
        "suite.yaml",
        "services: { api: \"http://127.0.0.1:9\" }\nprofiles: { ci: { jobs: 1 }, local: { jobs: 2 } }\n",
    )]);
    sandbox.write("words.env", "A=1\nthese are hidden words\n");
    let secret = "STRIPE_WEBHOOK_SECRET=x\n";
    sandbox.write("s.env", secret);
    for (args, said) in [
        (
            &["--profile", "prod"][..],
            "error: no `suite.yaml` of these fixtures has a profile `prod`\nhint: there are `ci`, `local`\n",
        ),
        (
            &["--profile", "locla"],
            "error: no `suite.yaml` of these fixtures has a profile `locla`\nhint: did you mean `local`?\n",
        ),
        (
            &["--target", "worker", "--env-file", "s.env"],
            "error: there is no service `worker` to send to\nhint: suite.yaml and devstack.yaml know `api`\n",
        ),
        (
            &["--target", "dmeo", "--env-file", "s.env"],
            "error: there is no service `dmeo` to send to\nhint: did you mean `demo`?\n",
        ),
        (&[HERE[0], HERE[1], "--env-file", "none.env"], "error: cannot use `none.env`: it is not there\n"),
        (&[HERE[0], HERE[1], "--env-file", "words.env"], "error: line 2 of `words.env` has no `=` after the name\n"),
        (
            &[HERE[0], HERE[1], "--time-scale", "1"],
            "error: `--time-scale` is for the demo services, and the target is `http://127.0.0.1:9`\n",
        ),
    ] {
        assert_eq!(refused(&sandbox, args), said, "{args:?}");
    }
    for (args, words) in [
        (&["--target", "localhost:3000"][..], "without `http://`; write `http://localhost:3000`"),
        (&["--target", "http://jo:hidden@localhost"], "a name or a password"),
        (&["--rate", "5/h"], "neither `/s` nor `/m`"),
        (&["--allow-target", "http://x"], "without `http://`"),
    ] {
        let said = refused(&sandbox, args);
        assert!(said.contains(words), "nothing says `{words}`: {said}");
    }
}

#[test]
fn a_run_has_one_target() {
    let other = "name: x\nrequest: { path: / }\nresponse: 200\n";
    let sandbox =
        project(&[("suite.yaml", "target: http://127.0.0.1:9\n"), ("in/suite.yaml", "target: demo\n"), ("in/other.yaml", other)]);
    assert_eq!(
        refused(&sandbox, &[]),
        "error: `in/other` is for target `demo` and `pay` for `http://127.0.0.1:9`; a run has one target
hint: replay them apart, or name one with `--target`
"
    );
}
