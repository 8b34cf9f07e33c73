//! `devstack supervise`: this program as the background process of a stack. Started by `up`; not for people.

use crate::{
    cli::{Failure, exit::Exit},
    runtime::supervisor,
    support::clock::Stopwatch,
};

pub(crate) fn run() -> Result<Exit, Failure> {
    let clock = Stopwatch::start();
    let lived = super::async_runtime()?.block_on(supervisor::run_process(clock));
    Ok(if lived { Exit::Held } else { Exit::Environment })
}
