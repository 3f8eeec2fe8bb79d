//! By which region a request comes in: the one that the name of the endpoint names.

use super::Map;

/// The endpoint is a region's that isn't there.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSuchRegion(pub String);

/// The region of an endpoint by its name, with or without a port: `europe-west1-pubsub.googleapis.com` and
/// `pubsub.europe-west1.rep.googleapis.com` are Google's forms, and anything may stand in the place of
/// `googleapis.com`. Any other name is the global endpoint's, which leads to the default region.
///
/// # Errors
/// Where it names a region that isn't there.
pub fn region_of<'m>(map: &'m Map, host: Option<&str>) -> Result<&'m str, NoSuchRegion> {
    let Some(named) = host.and_then(named) else {
        return Ok(map.default_region());
    };
    if let Some(known) = map.names().find(|name| name.eq_ignore_ascii_case(named)) {
        return Ok(known);
    }
    // "my-pubsub" is as good a name for a container as any.
    if looks_like_a_region(named) {
        return Err(NoSuchRegion(named.to_owned()));
    }
    Ok(map.default_region())
}

/// What stands where a region's name would.
fn named(host: &str) -> Option<&str> {
    let mut labels = host.split(['.', ':']);
    let (first, second, third) = (labels.next()?, labels.next(), labels.next());
    if let (true, Some(region), Some("rep")) = (first.eq_ignore_ascii_case("pubsub"), second, third)
    {
        return Some(region);
    }
    const END: &str = "-pubsub";
    let at = first.len().checked_sub(END.len())?;
    let is_locational = first.is_char_boundary(at) && first[at..].eq_ignore_ascii_case(END);
    is_locational.then(|| &first[..at])
}

/// Whether it is a name as Google gives them: `europe-west1`.
fn looks_like_a_region(name: &str) -> bool {
    let Some((area, place)) = name.split_once('-') else {
        return false;
    };
    let word = place.trim_end_matches(|last: char| last.is_ascii_digit());
    let letters = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic());
    letters(area) && letters(word) && word.len() < place.len()
}
