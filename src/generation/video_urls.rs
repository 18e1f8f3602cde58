//! Finds the URLs of a completed generation's videos anywhere in a response.
//!
//! The search visits every property, ranks each URL by the names on the path to it ([`Words`]) and by its media type, and keeps
//! the group of URLs with the best rank.

use serde_json::{Map, Value};

use super::{
    reason::{is_web_url, nested},
    video::Video,
    words::Words,
};

/// The videos of a response that holds none under `video`.
///
/// With `is_completed`, the response states that the generation is completed, and every URL that can be a video counts; else
/// only URLs that are named as a result count. URLs that belong to the request never count.
pub(super) fn find(answer: &Value, is_completed: bool) -> Vec<Video> {
    let mut search = Search {
        found: Vec::new(),
        urls_in_failures: Vec::new(),
        lists: 0,
        left: MAX_PROPERTIES,
    };
    search.visit(answer, &Path::default(), 0);
    let Search {
        mut found,
        urls_in_failures,
        ..
    } = search;
    if !is_completed {
        found.retain(|found_url| found_url.rank == Rank::ResultVideo || found_url.is_under_video);
    }
    let Some(best) = found.iter().map(|found_url| found_url.rank).min() else {
        // A gateway puts the URL of a completed video into `fail_reason` (QuantumNous/new-api#6993).
        let urls = urls_in_failures.into_iter().filter(|_| is_completed);
        return urls.take(1).map(Video::at).collect();
    };
    found.retain(|found_url| found_url.rank == best);
    // An outer URL belongs to the response itself, a deeper one may belong to another object. The sort is stable, so the first
    // URL of equals wins.
    found.sort_by_key(|found_url| found_url.depth);
    // Only one list, or the URLs of one level, is returned: the other groups are copies.
    let mut groups: Vec<(Group, Vec<Video>)> = Vec::new();
    for FoundUrl { group, video, .. } in found {
        let at = groups.iter().position(|(other, _)| *other == group);
        let at = at.unwrap_or_else(|| {
            groups.push((group, Vec::new()));
            groups.len() - 1
        });
        let videos = &mut groups[at].1;
        if videos.iter().all(|known| known.url != video.url) {
            videos.push(video);
        }
    }
    let Some(first) = groups.first().map(|(_, videos)| videos.clone()) else {
        return Vec::new();
    };
    // A list that contains these URLs and more is the complete list.
    let has_all = |videos: &[Video]| {
        let has = |one: &Video| videos.iter().any(|video| video.url == one.url);
        first.iter().all(has)
    };
    let wider = groups.into_iter().map(|(_, videos)| videos);
    wider
        .filter(|videos| has_all(videos))
        .max_by_key(Vec::len)
        .unwrap_or(first)
}

const MAX_DEPTH: usize = 8;
const MAX_PROPERTIES: u32 = 10_000;

/// How likely a URL is the video, the most likely rank first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Named as a result, and as a video by its name, its type or its file's extension.
    ResultVideo,
    /// Named as a result.
    Result,
    /// A video.
    Video,
    /// A URL whose name only says that it is a URL or a file.
    Place,
    /// A video in the same object as the prompt, which may belong to the request.
    BesidePrompt,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    List(usize),
    Level(usize),
}

struct FoundUrl {
    rank: Rank,
    depth: usize,
    group: Group,
    is_under_video: bool,
    video: Video,
}

/// The properties of the names on the path to a value.
#[derive(Clone, Copy)]
struct Path {
    is_video: bool,
    is_result: bool,
    /// Whether all names are names of results or of places of files.
    is_known: bool,
    /// Whether the path begins with `video` or `videos`.
    is_under_video: bool,
    list: Option<usize>,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            is_video: false,
            is_result: false,
            is_known: true,
            is_under_video: false,
            list: None,
        }
    }
}

impl Path {
    fn with(self, key: &str, words: &Words, depth: usize) -> Self {
        Self {
            is_video: self.is_video || words.is_video(),
            is_result: self.is_result || words.is_result(),
            is_known: self.is_known && words.is_result_or_place(),
            is_under_video: self.is_under_video
                || (depth == 0 && matches!(key, "video" | "videos")),
            list: self.list,
        }
    }
}

struct Search {
    found: Vec<FoundUrl>,
    urls_in_failures: Vec<String>,
    lists: usize,
    left: u32,
}

impl Search {
    fn visit(&mut self, value: &Value, path: &Path, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Object(map) => self.visit_object(map, path, depth),
            Value::Array(items) => {
                self.lists += 1;
                let path = Path {
                    list: path.list.or(Some(self.lists)),
                    ..*path
                };
                for item in items {
                    match item {
                        Value::String(text) if is_web_url(text) => {
                            let found_url = self.rank_url(text, &path, depth, None, false);
                            self.found.extend(found_url);
                        }
                        item => self.visit(item, &path, depth + 1),
                    }
                }
            }
            Value::String(text) => {
                if let Some(nested) = nested(text) {
                    self.visit(&nested, path, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn visit_object(&mut self, map: &Map<String, Value>, path: &Path, depth: usize) {
        let beside_prompt = map.keys().any(|key| Words::of(key).is_prompt());
        let mut own: Vec<(usize, FoundUrl)> = Vec::new();
        for (key, value) in map {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let words = Words::of(key);
            match value {
                Value::String(text) if words.is_failure() => {
                    self.urls_in_failures
                        .extend(is_web_url(text).then(|| text.clone()));
                }
                _ if words.is_failure() || words.is_other_file() => {}
                Value::String(text)
                    if words.is_entry() && kind_of_file(text) != Some(true) && is_web_url(text) => {
                }
                Value::String(text) if is_web_url(text) => {
                    let path = path.with(key, &words, depth);
                    let found_url = self.rank_url(text, &path, depth, Some(map), beside_prompt);
                    own.extend(found_url.map(|found_url| (words.variance(), found_url)));
                }
                value => self.visit(value, &path.with(key, &words, depth), depth + 1),
            }
        }
        // An object describes one file; its other URLs are variants of the file.
        let plainest = own
            .iter()
            .map(|(variance, found_url)| (found_url.rank, *variance))
            .min();
        let own = own.into_iter();
        let own = own.filter(|(variance, found_url)| Some((found_url.rank, *variance)) == plainest);
        self.found.extend(own.map(|(_, found_url)| found_url));
    }

    /// Ranks a URL; `None` if the URL cannot be a video.
    fn rank_url(
        &self,
        url: &str,
        path: &Path,
        depth: usize,
        beside: Option<&Map<String, Value>>,
        beside_prompt: bool,
    ) -> Option<FoundUrl> {
        let kind = beside.and_then(kind).or_else(|| kind_of_file(url));
        let is_video = match kind {
            Some(is_video) => is_video,
            None => path.is_video,
        };
        let is_excluded = kind == Some(false);
        let rank = match (is_video, path.is_result, path.is_known) {
            _ if is_excluded => return None,
            (true, true, _) => Rank::ResultVideo,
            (_, true, true) => Rank::Result,
            (true, _, _) if beside_prompt => Rank::BesidePrompt,
            (true, _, _) => Rank::Video,
            (_, _, true) if !beside_prompt => Rank::Place,
            _ => return None,
        };
        Some(FoundUrl {
            rank,
            depth,
            group: path.list.map_or(Group::Level(depth), Group::List),
            is_under_video: path.is_under_video,
            video: beside.map_or_else(|| Video::at(url), |map| Video::described(url, map)),
        })
    }
}

/// Whether the object states that its file is a video; `None` if it states no known media type.
fn kind(map: &Map<String, Value>) -> Option<bool> {
    let names = [
        "content_type",
        "contentType",
        "mime_type",
        "mimeType",
        "type",
    ];
    let kinds = names.iter().filter_map(|name| map.get(*name)?.as_str());
    let mut kinds = kinds.filter_map(|kind| match kind.split('/').next() {
        Some("video") => Some(true),
        Some("image" | "audio" | "text") => Some(false),
        _ => None,
    });
    kinds.next()
}

/// Whether the file extension of a URL is that of a video; `None` if the extension is not known.
fn kind_of_file(url: &str) -> Option<bool> {
    let path = url.split(['?', '#']).next()?;
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "avi" | "m4v" | "mkv" | "mov" | "mp4" | "mpeg" | "mpg" | "ts" | "webm" => Some(true),
        "aac" | "avif" | "bmp" | "flac" | "gif" | "heic" | "html" | "jpeg" | "jpg" | "json"
        | "m3u8" | "m4a" | "mp3" | "ogg" | "pdf" | "png" | "srt" | "svg" | "tif" | "tiff"
        | "txt" | "vtt" | "wav" | "webp" | "zip" => Some(false),
        _ => None,
    }
}
