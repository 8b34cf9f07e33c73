//! How a stack is: a line per part, what went through, and what is wrong.
//!
//! ```text
//! docker · stack jaeger · up 3 min
//!
//!   ✓ devstack    http://127.0.0.1:4318   3 min
//!   ✗ prometheus  exited (137)                –  prom/prometheus:v3.16.0
//! ```

use std::fmt::Write as _;

use super::up::BEHIND;
use crate::{
    model::{Flow, Traffic},
    runtime::{ComponentStatus, RuntimeKind, StackState, Status},
    term::{
        Look, Role,
        text::{age, clean, clip, pad_end, pad_start, paragraph, width},
    },
};

/// Columns of an uptime.
const UPTIME: usize = 6;
/// Fewer columns of an image's name say nothing.
const LEAST_IMAGE: usize = 5;

/// Draws it.
pub fn status(status: &Status, look: &Look) -> String {
    let mut text = look.paint(Role::Heading, &head(status, look)) + "\n";
    if let Some(reason) = status.reason.as_ref().filter(|_| status.state != StackState::Starting) {
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
        text += &traffic_lines(traffic, status.runtime != Some(RuntimeKind::Embedded), look);
    }
    text
}

fn head(status: &Status, look: &Look) -> String {
    let state = match status.state {
        StackState::Up => "up",
        StackState::Starting => status.reason.as_deref().unwrap_or("changing"),
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
        let front = format!("{}  {}  {}  ", pad_end(&part.name, names), pad_end(place, columns), pad_start(&uptime, UPTIME));
        let what = match (part.pid, &part.stand_in) {
            (Some(pid), _) => look.paint(Role::Dim, &format!("pid {pid}")),
            (None, Some(of)) if *of == part.name => look.paint(Role::Dim, "stand-in"),
            (None, Some(of)) => look.paint(Role::Dim, &format!("stand-in of {of}")),
            (None, None) => image(part, look.width.saturating_sub(4 + width(&front)), look),
        };
        let line = format!("  {mark} {front}{what}");
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The image as far as there is room: its registry and owner go first, its version stays.
fn image(part: &ComponentStatus, room: usize, look: &Look) -> String {
    let Some(image) = &part.image else { return String::new() };
    let short = image.rsplit('/').next().unwrap_or(image);
    let (name, version) = short.split_at(short.find(':').unwrap_or(short.len()));
    let fitting = [image.as_str(), short].into_iter().find(|name| width(name) <= room).map(ToOwned::to_owned);
    let clipped = || match room.checked_sub(width(version)) {
        Some(room) if room >= LEAST_IMAGE => format!("{}{version}", clip(name, room, look)),
        _ => String::new(),
    };
    look.paint(Role::Dim, &fitting.unwrap_or_else(clipped))
}

/// The address where it runs well, else what it is at.
fn whereabouts(part: &ComponentStatus) -> String {
    match (&part.address, &part.health) {
        (Some(_), _) if part.healthy && part.name == "collector" => BEHIND.to_owned(),
        (Some(address), _) if part.healthy => address.clone(),
        (_, Some(health)) if part.pid.is_some() => health.clone(),
        (_, Some(health)) if part.state == "running" || part.state == "remote" => health.clone(),
        _ => part.state.clone(),
    }
}

/// `onwards`: whether anything is passed on.
fn traffic_lines(traffic: &Traffic, onwards: bool, look: &Look) -> String {
    let mut text = format!("  {}\n", look.paint(Role::Dim, "            received   rejected  passed on    refused"));
    let mut line = |name: &str, flow: &Flow| {
        let none = || look.glyph("–", "-").to_owned();
        let next = |number: u64| pad_start(&if onwards { number.to_string() } else { none() }, 10);
        let (passed_on, refused) = (next(flow.passed_on), next(flow.refused));
        let _ = writeln!(text, "  {}{:>10} {:>10} {passed_on} {refused}", pad_end(name, 10), flow.received, flow.rejected);
    };
    line("spans", &traffic.spans);
    line("points", &traffic.points);
    line("logs", &traffic.logs);
    let _ = writeln!(text, "  {}{:>10}", pad_end("series", 10), traffic.series);
    if traffic.unreadable > 0 {
        let _ = writeln!(text, "  {}", look.paint(Role::Warning, &format!("{} requests could not be read", traffic.unreadable)));
    }
    if let Some(problem) = &traffic.last_problem {
        text += &paragraph(&format!("last problem: {}", clean(problem)), 2, look);
    }
    text
}
