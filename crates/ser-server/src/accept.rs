//! Chooses the media type of a response.

use axum::http::{HeaderMap, StatusCode, header};

use crate::problem::Problem;

/// Returns the offered media type with the highest weight in `Accept`, the first of several with the same weight; without
/// `Accept`, the first of all.
///
/// # Errors
/// A [`Problem`] with status 406 if the client accepts none of them.
///
/// # References
/// RFC 9110, section 12.5.1.
pub(crate) fn choose<T: Copy>(headers: &HeaderMap, offered: &[(&str, T)]) -> Result<T, Problem> {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
    let accepted = accepted.join(",");
    let mut best: Option<(f32, T)> = None;
    for (kind, form) in offered {
        let weight = match accepted.trim() {
            "" => 1.0,
            accepted => weight(accepted, kind),
        };
        if weight > best.map_or(0.0, |(weight, _)| weight) {
            best = Some((weight, *form));
        }
    }
    best.map(|(_, form)| form).ok_or_else(|| {
        let offered: Vec<&str> = offered.iter().map(|(kind, _)| *kind).collect();
        Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "not-acceptable",
            format!(
                "Accept: expected one of {}, found {accepted:?}",
                offered.join(", ")
            ),
            "accept one of these media types",
        )
    })
}

/// Returns the weight of a media type, from the most specific of the ranges that match it.
fn weight(accepted: &str, kind: &str) -> f32 {
    let (family, _) = kind.split_once('/').unwrap_or((kind, ""));
    let ranges = accepted.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let exactness = match parts.next()? {
            range if range.eq_ignore_ascii_case(kind) => 3,
            range
                if range
                    .strip_suffix("/*")
                    .is_some_and(|range| range.eq_ignore_ascii_case(family)) =>
            {
                2
            }
            "*/*" => 1,
            _ => return None,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight.map_or(Some(1.0), |weight| weight.parse().ok());
        Some((exactness, weight.unwrap_or(0.0)))
    });
    let best = ranges.max_by_key(|(exactness, _)| *exactness);
    best.map_or(0.0, |(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_that_the_client_likes_best() {
        let offered = [
            ("application/json", 1),
            ("text/vtt", 2),
            ("image/svg+xml", 3),
        ];
        let chosen = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            choose(&headers, &offered).ok()
        };
        assert_eq!(choose(&HeaderMap::new(), &offered).ok(), Some(1));
        for (accept, form) in [
            ("*/*", Some(1)),
            ("text/vtt", Some(2)),
            ("text/*", Some(2)),
            ("text/vtt;q=0.2, image/svg+xml; q=0.9", Some(3)),
            ("application/json;q=0, */*", Some(2)),
            ("text/html", None),
            ("text/vtt;q=x", None),
        ] {
            assert_eq!(chosen(accept), form, "{accept}");
        }
    }
}
