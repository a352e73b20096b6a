//! What is answered to which request.

use super::openmetrics::{MEDIA_TYPE, exposition};
use super::status::Status;
use super::{compat, figures};

/// An answer.
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) media_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn text(code: u16, body: impl Into<String>) -> Self {
        Self { code, media_type: "text/plain; charset=utf-8", body: body.into().into_bytes() }
    }

    /// To a request that could not be read.
    pub(super) fn bad(what: &str) -> Self {
        Self::text(400, format!("{what}\n"))
    }

    /// The phrase of the status line.
    pub(super) const fn phrase(&self) -> &'static str {
        match self.code {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        }
    }
}

/// Answers `method path`. `read` gives the figures, and is asked only if they are wanted.
pub(super) fn answer(method: &str, path: &str, xpf: bool, read: impl FnOnce() -> Status) -> Answer {
    if method != "GET" && method != "HEAD" {
        return Answer::text(405, "GET and HEAD are answered, nothing else\n");
    }
    match path.split('?').next().unwrap_or_default() {
        "/metrics" => metrics(&read(), xpf),
        "/healthz" => health(&read()),
        "/status" => match serde_json::to_vec(&read()) {
            Ok(body) => Answer { code: 200, media_type: "application/json", body },
            Err(error) => Answer::text(500, format!("{error}\n")),
        },
        _ => Answer::text(404, "there are /metrics, /healthz and /status\n"),
    }
}

fn metrics(status: &Status, xpf: bool) -> Answer {
    let mut families = figures::families(status);
    if xpf {
        families.extend(compat::families(status));
    }
    match exposition(families) {
        Ok(text) => Answer { code: 200, media_type: MEDIA_TYPE, body: text.into_bytes() },
        Err(_) => Answer::text(500, "the figures cannot be written\n"),
    }
}

fn health(status: &Status) -> Answer {
    match status.troubles.as_slice() {
        [] => Answer::text(200, "ok\n"),
        troubles => Answer::text(503, troubles.join("\n") + "\n"),
    }
}
