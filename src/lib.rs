//! devstack replays signed webhooks through instrumented services and says whether the traces that should exist do exist, whole and right,
//! and if not, why.
//!
//! This page is the architecture. What a run does, in the order in which data flows:
//!
//! ```text
//!  fixtures/*.yaml ─► fixture ──► check ──────────────────────────────────────────► report, runs
//!  (what is sent,     expect       │ plan, drive, observe, judge, diagnose              │
//!   what must be)                  │                                                    ▼
//!                                  │ replay + webhook              term: the terminal, exit code
//!                                  ▼ fresh ids, times, signature
//!                      demo: medicalcor-api ─► medicalcor-trigger ─► externals
//!                                  │ telemetry: spans, metrics, logs; the work report
//!                                  ▼ OTLP
//!                      backend: receiver ─► ledger ─► client ─► check
//!                                  │ each request on, unchanged                         ▲
//!                                  ▼ (docker, remote)                                   │
//!                      collector ─► Tempo or Jaeger, Prometheus ─► client: the witness ─┘
//! ```
//!
//! - [`fixture`] reads the files a person wrote, with the place of every part, and [`expect`] holds what they expect as typed values,
//!   the matcher that compares a trace with them, and the rule packs. Both are pure.
//! - [`check`] is the run. It gives every case a trace id of its own, sends its requests ([`replay`], [`webhook`]), gathers evidence
//!   ([`client`]), judges, and names causes. It prints nothing: it emits events and ends in a [`check::RunReport`].
//! - [`demo`] is the system under test that ships with devstack: real services that speak HTTP to each other and are instrumented with
//!   [`telemetry`], which any Rust service can use. [`backend`] receives what they export and keeps it in a bounded ledger that wakes
//!   whoever waits for a trace. Its receiver stands in front in every runtime: it passes each request on as it came and gives back the
//!   answer it got, without a queue of its own, so a sender hears from the store and not from devstack that all is well.
//! - [`standin`] is what answers in place of what a service under test calls: externals by data, and the Trigger.dev API. What it sends says
//!   of itself that it is a stand-in, and no expectation on the real thing is met by it.
//! - [`stack`] reads which components run beside a project: shipped files, the project's `devstack.yaml` and `--set` as layers of one tree,
//!   in which every value knows who said it. What comes out, a [`stack::Stack`], refers to no file any more.
//! - [`runtime`] brings a stack up. [`runtime::supervisor`] is the process that lives as long as the stack: it holds the lock, the receiver
//!   and the control socket, and leaves a [`runtime::Note`] of where everything is, which every other command reads. Beneath the receiver
//!   is a base, one of three behind the same few questions: nothing (embedded), containers ([`runtime::docker`], the only place that
//!   speaks to an engine), or endpoints elsewhere (remote). A stack is up when canaries came back from the far end. Without a stack,
//!   `replay` has receiver and demo in its own process, on free loopback ports, for the length of a run.
//! - The witness: after a verdict [`check`] reads every span of the ledger back from the store by trace id. What is missing there was
//!   lost on the way, and the hops' own counters ([`client`]), read before and after, name the hop.
//! - [`doctor`] looks for what stands in the way of all this; it changes nothing. [`lint`] does the same for files.
//! - [`draft`] goes the other way: what a service really got, answered and traced becomes a fixture, without what tells of a person.
//! - [`report`] turns the report into text, one format per file; [`runs`] keeps the last ones for `devstack trace`; [`term`] is the only
//!   room that writes. [`cli`] parses, calls one engine per command, and maps what comes back to an exit code ([`cli::exit`]).
//! - [`model`] has ids, spans, traces and their wire forms, [`support`] the clock, the environment, randomness and text with places.
//!
//! Decisions that hold everywhere:
//!
//! - **A verdict names its evidence.** *Drained* is a fact, not a guess: every service that uses [`telemetry`] counts what it has under way,
//!   open and unexported for a trace ([`support::work`]), and two rounds of idle reports with equal activity counters are a consistent
//!   snapshot of all of them ([`check`], `observe.rs`). So a missing span fails within milliseconds, and a late one is waited for. Without
//!   such reports there is only *quiet*, and what lacks is then waited for until the deadline.
//! - **Nothing observed is never a pass.** Silence that a fixture asks for (`trace: none`) counts only when a sampled control request
//!   through the same services did arrive.
//! - **Everything goes over the wire**, in an embedded run too: services, receiver and judge share a process and nothing else.
//! - **Ownership by label.** What is made in an engine carries the project's id; `up` compares digests in labels, `down` needs nothing else,
//!   and a crash at any moment leaves nothing that could not be found.
//! - **Imports point down.** `tests/architecture.rs` holds the table of who may import whom and fails with a sentence.
//! - **Clock, environment, randomness** come from [`support`]; `clippy.toml` bans them elsewhere.

pub mod backend;
pub mod check;
pub mod cli;
pub mod client;
pub mod demo;
pub mod doctor;
pub mod draft;
pub mod expect;
pub mod fixture;
pub mod lint;
pub mod model;
pub mod replay;
pub mod report;
pub mod runs;
pub mod runtime;
pub mod stack;
pub mod standin;
pub mod support;
pub mod telemetry;
pub mod term;
pub mod webhook;
