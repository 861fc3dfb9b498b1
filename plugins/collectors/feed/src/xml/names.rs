//! Names of elements by their namespace, whatever its prefix.

/// The namespaces that say something of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// RSS of all versions, and Atom.
    Core,
    /// RSS 1.0 content module.
    Content,
    Dc,
    DcTerms,
    Media,
    Itunes,
    Xhtml,
    /// RSS 1.0 slash module, and Atom threading (RFC 4685): numbers of comments.
    Comments,
    Other,
}

/// By its URI; by its usual prefix where the URI is none that is known, as
/// feeds that misspell one mean it.
pub(super) fn space(uri: Option<&str>, prefix: &str, root: Option<&str>) -> Space {
    let Some(uri) = uri else { return by_prefix(prefix) };
    if uri.is_empty() || root == Some(uri) {
        return Space::Core;
    }
    let lower = uri.trim().trim_end_matches('/').to_ascii_lowercase();
    let plain = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    match plain {
        "www.w3.org/2005/atom"
        | "purl.org/rss/1.0"
        | "purl.org/net/rss1.1#"
        | "my.netscape.com/rdf/simple/0.9"
        | "channel.netscape.com/rdf/simple/0.9"
        | "my.netscape.com/publish/formats/rss-0.91.dtd"
        | "blogs.law.harvard.edu/tech/rss"
        | "cyber.law.harvard.edu/rss" => Space::Core,
        _ if plain.starts_with("purl.org/atom/ns#") || plain.starts_with("backend.userland.com/rss") => Space::Core,
        "purl.org/rss/1.0/modules/content" => Space::Content,
        "purl.org/dc/elements/1.1" | "purl.org/dc/elements/1.0" | "purl.org/metadata/dublin_core" => Space::Dc,
        "purl.org/dc/terms" => Space::DcTerms,
        "search.yahoo.com/mrss" => Space::Media,
        "www.itunes.com/dtds/podcast-1.0.dtd" | "example.com/dtds/podcast-1.0.dtd" => Space::Itunes,
        "www.w3.org/1999/xhtml" => Space::Xhtml,
        "purl.org/rss/1.0/modules/slash" | "purl.org/syndication/thread/1.0" => Space::Comments,
        _ => by_prefix(prefix),
    }
}

fn by_prefix(prefix: &str) -> Space {
    match prefix {
        "" | "atom" | "rss" => Space::Core,
        "content" => Space::Content,
        "dc" => Space::Dc,
        "dcterms" => Space::DcTerms,
        "media" => Space::Media,
        "itunes" => Space::Itunes,
        "xhtml" => Space::Xhtml,
        "slash" | "thr" => Space::Comments,
        _ => Space::Other,
    }
}

/// What an element holds for an entry, and how far it comes behind others of
/// its kind: 0 is believed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Id,
    Link,
    Title(u8),
    Summary(u8),
    Content(u8),
    Published(u8),
    Updated(u8),
    /// How many comments it has.
    Comments,
}

/// The role of a child of an entry. `local` is in lower case.
pub(super) fn role(space: Space, local: &str) -> Option<Role> {
    Some(match (space, local) {
        (Space::Core, "guid" | "id") => Role::Id,
        (Space::Core, "link") => Role::Link,
        (Space::Core, "title") => Role::Title(0),
        (Space::Dc | Space::DcTerms, "title") => Role::Title(1),
        (Space::Media, "title") => Role::Title(2),
        (Space::Itunes, "title") => Role::Title(3),
        (Space::Core, "description" | "summary" | "tagline" | "abstract") => Role::Summary(0),
        (Space::Dc | Space::DcTerms, "description" | "abstract") => Role::Summary(1),
        (Space::Media, "description" | "text") => Role::Summary(2),
        (Space::Itunes, "summary") => Role::Summary(3),
        (Space::Itunes, "subtitle") => Role::Summary(4),
        (Space::Content, "encoded") | (Space::Core, "content") => Role::Content(0),
        (Space::Xhtml | Space::Core, "body") => Role::Content(1),
        (Space::Core | Space::Other, "fullitem") => Role::Content(2),
        (Space::Core, "pubdate" | "published") => Role::Published(0),
        (Space::Core | Space::DcTerms, "issued") => Role::Published(1),
        (Space::Core | Space::DcTerms, "created") => Role::Published(2),
        (Space::Dc | Space::DcTerms, "date") => Role::Published(3),
        (Space::Core, "updated") => Role::Updated(0),
        (Space::Core | Space::DcTerms, "modified") => Role::Updated(1),
        (Space::Comments, "comments" | "total") => Role::Comments,
        _ => return None,
    })
}
