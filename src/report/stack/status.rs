//! How a stack is: a line per part, what went through, and what is wrong.
//!
//! ```text
//! docker · stack jaeger · up 3 min
//!
//!   ✓ devstack     http://127.0.0.1:4318    3 min   ready
//!   ✗ prometheus   exited (137)             –       prom/prometheus:v3.16.0
//! ```

use std::fmt::Write as _;

use crate::{
    model::{Flow, Traffic},
    runtime::{ComponentStatus, StackState, Status},
    term::{
        Look, Role,
        text::{age, pad_end, width},
    },
};

/// Draws it.
pub fn status(status: &Status, look: &Look) -> String {
    let mut text = look.paint(Role::Heading, &head(status, look)) + "\n";
    if let Some(reason) = &status.reason {
        let role = if status.state == StackState::Down { Role::Dim } else { Role::Warning };
        let _ = writeln!(text, "{}", look.paint(role, reason));
    }
    if let Some(build) = &status.other_build {
        let _ = writeln!(
            text,
            "{}",
            look.paint(Role::Warning, &format!("run by another build of devstack ({build}); `devstack up` takes over"))
        );
    }
    if !status.components.is_empty() {
        text.push('\n');
        text += &parts(&status.components, look);
    }
    if let Some(traffic) = &status.traffic {
        text.push('\n');
        text += &traffic_lines(traffic, look);
    }
    text
}

fn head(status: &Status, look: &Look) -> String {
    let state = match status.state {
        StackState::Up => "up",
        StackState::Starting => "changing",
        StackState::Degraded => "degraded",
        StackState::Orphaned => "orphaned",
        StackState::Down => "nothing is up",
    };
    let since = status.uptime_s.map(|seconds| format!(" for {}", age(seconds))).unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    words.extend(status.runtime.map(|runtime| runtime.to_string()));
    words.extend(status.stack.as_ref().filter(|name| *name != "embedded").map(|name| format!("stack {name}")));
    words.push(format!("{state}{since}"));
    words.join(&format!(" {} ", look.dot()))
}

fn parts(parts: &[ComponentStatus], look: &Look) -> String {
    let names = parts.iter().map(|part| width(&part.name)).max().unwrap_or(0).max(10);
    let wheres: Vec<_> = parts.iter().map(whereabouts).collect();
    let columns = wheres.iter().map(|text| width(text)).max().unwrap_or(0).max(22);
    let mut text = String::new();
    for (part, place) in parts.iter().zip(&wheres) {
        let mark = if part.healthy {
            look.paint(Role::Good, look.glyph("✓", "ok"))
        } else {
            look.paint(Role::Bad, look.glyph("✗", "x"))
        };
        let uptime = part.uptime_s.map_or_else(|| look.glyph("–", "-").to_owned(), age);
        let image = part.image.as_deref().map(|image| look.paint(Role::Dim, image)).unwrap_or_default();
        let line =
            format!("  {mark} {}  {}  {}  {image}", pad_end(&part.name, names), pad_end(place, columns), pad_end(&uptime, 7));
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The address where it runs well, else what it is at.
fn whereabouts(part: &ComponentStatus) -> String {
    match (&part.address, &part.health) {
        (Some(address), _) if part.healthy => address.clone(),
        (_, Some(health)) if part.state == "running" || part.state == "remote" => health.clone(),
        _ => part.state.clone(),
    }
}

fn traffic_lines(traffic: &Traffic, look: &Look) -> String {
    let mut text = format!("  {}\n", look.paint(Role::Dim, "            received  passed on    refused   rejected"));
    let mut line = |name: &str, flow: &Flow| {
        let _ = writeln!(
            text,
            "  {}{:>10} {:>10} {:>10} {:>10}",
            pad_end(name, 10),
            flow.received,
            flow.passed_on,
            flow.refused,
            flow.rejected
        );
    };
    line("spans", &traffic.spans);
    line("points", &traffic.points);
    line("logs", &traffic.logs);
    let _ = writeln!(text, "  {}{:>10}", pad_end("series", 10), traffic.series);
    if traffic.unreadable > 0 {
        let _ = writeln!(text, "  {}", look.paint(Role::Warning, &format!("{} requests could not be read", traffic.unreadable)));
    }
    if let Some(problem) = &traffic.last_problem {
        let _ = writeln!(text, "  last problem: {problem}");
    }
    text
}
