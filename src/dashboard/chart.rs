//! A line chart as SVG: logarithmic in y, in x logarithmic or one place after another. Colours and
//! strokes are the page's style sheet's; every point says its figures when it is pointed at.

use std::fmt::Write;

/// A line.
pub(super) struct Series {
    pub(super) name: String,
    /// Class of the style sheet: `weir`, `target`, `rival-1` and so on.
    pub(super) class: String,
    pub(super) points: Vec<Point>,
}

/// A place, and how far measurements spread.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) spread: Option<(f64, f64)>,
}

/// What is drawn.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) x_title: &'static str,
    /// Places on the x axis that are named.
    pub(super) ticks: Vec<(f64, String)>,
    pub(super) logarithmic: bool,
    pub(super) series: Vec<Series>,
}

/// Of a file that stands for itself.
const STYLE: &str = "svg{background:#fff;font-family:system-ui,sans-serif}\
    .grid{stroke:#d9dee6}.tick,.axis{fill:#5b6675;font-size:12px}\
    polyline{fill:none;stroke:#0b6bcb;stroke-width:2}circle{fill:#0b6bcb}\
    .spread{stroke:#0b6bcb;stroke-width:6;opacity:.25}";
/// Longest name that is centered at the ends of the axis.
const NAME_CENTERED: usize = 5;
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;

impl Chart {
    /// The chart with its title and the names of its lines.
    pub(super) fn html(&self) -> String {
        let mut out = String::new();
        let _ = write!(out, "<figure><figcaption>{}</figcaption>", escape(&self.title));
        self.svg(&mut out, "");
        out.push_str("<ul class=\"legend\">");
        for series in &self.series {
            let (class, name) = (&series.class, escape(&series.name));
            let _ = write!(out, "<li class=\"{class}\">{name}</li>");
        }
        out.push_str("</ul></figure>\n");
        out
    }

    /// The chart alone as a file of its own.
    pub(super) fn file(&self) -> String {
        let mut out = String::new();
        self.svg(&mut out, " xmlns=\"http://www.w3.org/2000/svg\" width=\"960\"");
        out + "\n"
    }

    fn svg(&self, out: &mut String, attributes: &str) {
        let _ = write!(
            out,
            "<svg{attributes} viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            escape(&self.title)
        );
        if !attributes.is_empty() {
            let _ = write!(out, "<style>{STYLE}</style>");
        }
        let ys = self.points().flat_map(|point| {
            let (low, high) = point.spread.unwrap_or((point.y, point.y));
            [low, point.y, high]
        });
        let (low, high) = bounds(ys);
        let y = Scale::new(low.log10().floor(), high.log10().ceil(), HEIGHT - BOTTOM, TOP);
        let xs = self.ticks.iter().map(|tick| tick.0).chain(self.points().map(|point| point.x));
        let (first, last) = bounds(xs);
        let place = |x: f64| if self.logarithmic { x.log10() } else { x };
        let x = Scale::new(place(first), place(last), LEFT + 8.0, WIDTH - RIGHT - 8.0);
        self.axes(out, &y, |tick| x.at(place(tick)));
        for series in &self.series {
            let at = |point: &Point| (x.at(place(point.x)), y.at(point.y.log10()));
            line(out, series, at, |value| y.at(value.log10()));
        }
        out.push_str("</svg>");
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.series.iter().flat_map(|series| &series.points)
    }

    fn axes(&self, out: &mut String, y: &Scale, x: impl Fn(f64) -> f64) {
        let mut decade = y.from;
        while decade <= y.to {
            for step in [1.0, 2.0, 5.0] {
                let value = 10f64.powf(decade) * step;
                if value.log10() > y.to + 1e-9 {
                    break;
                }
                let at = y.at(value.log10());
                let _ = write!(
                    out,
                    "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{:.1}\" \
                     y2=\"{at:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                    WIDTH - RIGHT,
                    LEFT - 6.0,
                    at + 4.0
                );
            }
            decade += 1.0;
        }
        for (place, (tick, name)) in self.ticks.iter().enumerate() {
            // Long names at the ends stay inside.
            let anchor = match place {
                _ if name.len() <= NAME_CENTERED => "middle",
                0 => "start",
                _ if place + 1 == self.ticks.len() => "end",
                _ => "middle",
            };
            let _ = write!(
                out,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                x(*tick),
                HEIGHT - BOTTOM + 18.0,
                escape(name)
            );
        }
        let _ = write!(
            out,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 6.0,
            escape(self.x_title)
        );
    }
}

fn line(
    out: &mut String,
    series: &Series,
    at: impl Fn(&Point) -> (f64, f64),
    y: impl Fn(f64) -> f64,
) {
    let places: Vec<String> =
        series.points.iter().map(&at).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ =
        write!(out, "<g class=\"{}\"><polyline points=\"{}\"/>", series.class, places.join(" "));
    for point in &series.points {
        let (cx, cy) = at(point);
        if let Some((low, high)) = point.spread {
            let (low, high) = (y(low), y(high));
            let _ = write!(
                out,
                "<line class=\"spread\" x1=\"{cx:.1}\" y1=\"{low:.1}\" x2=\"{cx:.1}\" \
                 y2=\"{high:.1}\"/>"
            );
        }
        let _ = write!(
            out,
            "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"3.5\"><title>{}: {:.0}</title></circle>",
            escape(&series.name),
            point.y
        );
    }
    out.push_str("</g>");
}

/// A linear scale.
struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Scale {
    fn new(from: f64, to: f64, start: f64, end: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Self { from, to, start, end }
    }

    fn at(&self, value: f64) -> f64 {
        self.start + (value - self.from) / (self.to - self.from) * (self.end - self.start)
    }
}

/// The lowest and the highest, of values above 0; 1 and 10 of none.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let found = values.filter(|value| value.is_finite() && *value >= 0.0);
    let bounds = found.fold(None, |bounds: Option<(f64, f64)>, value| {
        Some(bounds.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    });
    bounds.unwrap_or((1.0, 10.0))
}

/// Text as it stands between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
