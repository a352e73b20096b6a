//! Where a collector's log lines go: the streams of the configuration, and the file of the command
//! line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use systems::schedule::settings::{CollectorSettings, TlsSettings};

use super::{CollectArgs, Stop, inputs};
use crate::collector::outlet::{
    FileTarget, OutletConfig, Receiver, Selection, Target, TlsClient, TlsFiles,
};
use crate::collector::render::{Format, RenderOptions, Renderer};
use crate::config::compile::Compiled;
use crate::config::model::log::{LogFile, LogFormat, LogStream, LogTransport};

/// Every outlet.
pub(super) fn all(
    args: &CollectArgs,
    compiled: Compiled,
    settings: &CollectorSettings,
) -> Result<Vec<OutletConfig>, Stop> {
    let world = Arc::new(compiled.world);
    let host = if world.names.host.is_empty() { "weir" } else { &world.names.host };
    let renderer = |options| Renderer::new(Arc::clone(&world), options);
    let mut outlets = Vec::new();
    for stream in &compiled.log.streams {
        for (name, target) in targets(stream, settings)? {
            let mut options = RenderOptions::new(format_of(stream.format), host);
            (options.facility, options.severity) = (stream.facility, stream.severity);
            options.sequence_id = settings.sequence_id;
            let categories = stream.categories.clone();
            let selection = Selection { categories, per_second: stream.rate_limit };
            outlets.push(OutletConfig { name, target, selection, renderer: renderer(options) });
        }
    }
    if let Some(path) = &args.log {
        let mut options = RenderOptions::new(Format::from(args.format), host);
        options.sequence_id = settings.sequence_id;
        outlets.push(OutletConfig {
            name: format!("file {}", path.display()),
            target: Target::File(rotated(FileTarget::unlimited(path.clone()), settings)),
            selection: Selection::default(),
            renderer: renderer(options),
        });
    }
    Ok(outlets)
}

/// A stream's receiver, its file, or both, each with a name of its own.
fn targets(
    stream: &LogStream,
    settings: &CollectorSettings,
) -> Result<Vec<(String, Target)>, Stop> {
    let mut targets = Vec::new();
    if let Some(to) = stream.host {
        let to = SocketAddr::new(to, stream.port);
        let receiver = |tls| Receiver { to, from: stream.source, tls };
        let target = match (stream.transport, &stream.tls_profile) {
            (LogTransport::Udp, _) => Target::Udp(receiver(None)),
            (LogTransport::Tcp, _) => Target::Tcp(receiver(None)),
            (LogTransport::Tls, profile) => {
                let profile = profile.as_deref().unwrap_or("default");
                Target::Tcp(receiver(Some(tls(stream, profile, settings)?)))
            }
            (LogTransport::Relp, None) => Target::Relp(receiver(None)),
            (LogTransport::Relp, Some(profile)) => {
                Target::Relp(receiver(Some(tls(stream, profile, settings)?)))
            }
        };
        targets.push((stream.name.clone(), target));
    }
    if let Some(file) = &stream.file {
        targets.push((
            format!("{} file", stream.name),
            Target::File(target_of(file, settings, stream)?),
        ));
    }
    if targets.is_empty() {
        return Err(wrong(stream, "it has neither a host nor a file"));
    }
    Ok(targets)
}

/// A file of the configuration, in the directory of the schedule.
fn target_of(
    file: &LogFile,
    settings: &CollectorSettings,
    stream: &LogStream,
) -> Result<FileTarget, Stop> {
    let Some(directory) = &settings.log_directory else {
        return Err(wrong(stream, "its file needs `collector.log_directory` in the schedule"));
    };
    let mut target = rotated(FileTarget::unlimited(directory.join(&file.name)), settings);
    if file.megabytes > 0 {
        target.bytes_max = u64::from(file.megabytes) * 1_000_000;
    }
    if file.rotation > 0 {
        target.files_max = file.rotation;
    }
    Ok(target)
}

fn rotated(target: FileTarget, settings: &CollectorSettings) -> FileTarget {
    FileTarget {
        bytes_max: u64::from(*settings.log_mib_max.get_ref()) << 20,
        age_max: Duration::from_secs(u64::from(*settings.log_hours_max.get_ref()) * 3600),
        files_max: *settings.log_files_max.get_ref(),
        ..target
    }
}

fn tls(stream: &LogStream, profile: &str, settings: &CollectorSettings) -> Result<TlsClient, Stop> {
    let Some(found) = settings.tls.get(profile) else {
        let text = format!("the schedule has no `[collector.tls.{profile}]`");
        return Err(wrong(stream, &text));
    };
    let TlsSettings { ca, certificate, key, server_name } = found.clone();
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            inputs::is_guarded(&key, true)?;
            Some((certificate, key))
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            let text = format!("`[collector.tls.{profile}]` needs both certificate and key");
            return Err(wrong(stream, &text));
        }
    };
    let files = TlsFiles { ca, client, server_name };
    let address = stream.host.unwrap_or(std::net::IpAddr::from([0; 4]));
    TlsClient::new(&files, address).map_err(|error| wrong(stream, &error.to_string()))
}

fn wrong(stream: &LogStream, what: &str) -> Stop {
    Stop::Usage(format!("log stream {}: {what}", stream.name))
}

const fn format_of(format: LogFormat) -> Format {
    match format {
        LogFormat::SdSyslog => Format::SdSyslog,
        LogFormat::Syslog => Format::Syslog,
        LogFormat::Binary => Format::Binary,
        LogFormat::Json => Format::Json,
    }
}
