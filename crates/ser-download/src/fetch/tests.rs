#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Instant;

use super::*;
use ser_fixtures::loopback::{Answer, dead, serve, stalled, status};

const BODY: &str = "0123456789abcdef";
const BODY_MD5: &str = "4032af8d61035123906e58e067140cc5";

/// Limits for a server on this machine, which a busy machine does not reach.
const QUICK: Limits = Limits {
    connect: Duration::from_secs(1),
    silence: Duration::from_secs(10),
    pause: Duration::ZERO,
    retry_after: Duration::from_secs(2),
    bytes: 1000,
};

/// Returns a response with the whole file that announces `announced` bytes and sends `body`.
fn full(announced: usize, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn whole() -> String {
    full(16, BODY)
}

fn partial(range: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes {range}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn rest(start: usize) -> String {
    partial(&format!("{start}-15/16"), &BODY[start..])
}

/// Returns what a correct server sends: the whole file for `start` 0, otherwise the rest of it.
fn from(start: usize) -> String {
    if start == 0 { whole() } else { rest(start) }
}

/// Returns the number of bytes of a response before its body.
fn head(answer: &str) -> usize {
    answer.find("\r\n\r\n").unwrap() + 4
}

fn known(url: &str) -> Source<'_> {
    Source {
        url,
        size: Some(16),
        md5: Some(BODY_MD5),
    }
}

fn unknown(url: &str) -> Source<'_> {
    Source {
        url,
        size: None,
        md5: None,
    }
}

/// A download in a temporary folder.
struct Case {
    folder: tempfile::TempDir,
    dest: PathBuf,
    limits: Limits,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("file.zip");
        Self {
            folder,
            dest,
            limits: QUICK,
        }
    }

    /// Returns a download that soon takes a silent server for one that stalls.
    fn impatient() -> Self {
        let mut case = Self::new();
        case.limits.silence = Duration::from_millis(200);
        case
    }

    fn fetch(&self, source: &Source) -> Result<u64> {
        fetch_within(&self.limits, source, &self.dest, &mut |_| ())
    }

    /// Downloads, and expects the file and nothing else. Returns the number of bytes that were received.
    fn complete(&self, source: &Source) -> u64 {
        let received = self.fetch(source).unwrap();
        self.has_the_file_and_nothing_else();
        received
    }

    fn error(&self, source: &Source) -> String {
        let error = self.fetch(source).unwrap_err().to_string();
        assert!(!self.dest.exists(), "{error}");
        error
    }

    fn part(&self) -> PathBuf {
        with_suffix(&self.dest, ".part")
    }

    /// Leaves the files that a killed run leaves for `url`.
    fn leave(&self, part: &str, url: &str, mark: &str) {
        fs::write(self.part(), part).unwrap();
        fs::write(
            with_suffix(&self.dest, ".part.origin"),
            format!("{url}\n{mark}"),
        )
        .unwrap();
    }

    fn has_the_file_and_nothing_else(&self) {
        assert_eq!(fs::read_to_string(&self.dest).unwrap(), BODY);
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_file_arrives_whole_and_leaves_nothing_beside() {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("deep/file.zip");
    let (url, server) = serve(vec![whole().into()]);
    assert_eq!(fetch(&known(&url), &dest, &mut |_| ()).unwrap(), 16);
    assert_eq!(fs::read_to_string(&dest).unwrap(), BODY);
    assert_eq!(fs::read_dir(dest.parent().unwrap()).unwrap().count(), 1);
    assert!(!server.join().unwrap()[0].contains("range:"));
}

#[test]
fn a_file_that_is_there_and_right_is_not_downloaded_again() {
    let case = Case::new();
    fs::write(&case.dest, BODY).unwrap();
    assert_eq!(case.complete(&known(&dead())), 0);
    // A file with a wrong checksum is replaced.
    fs::write(&case.dest, "0123").unwrap();
    let (url, _server) = serve(vec![whole().into()]);
    assert_eq!(case.complete(&known(&url)), 16);
}

#[test]
fn a_file_without_a_checksum_that_is_there_is_taken_as_it_is() {
    let case = Case::new();
    fs::write(&case.dest, BODY).unwrap();
    assert_eq!(case.complete(&unknown(&dead())), 0);
}

#[test]
fn progress_is_told_and_so_is_a_wait() {
    let case = Case::new();
    let busy = status("429 Too Many Requests\r\nRetry-After: 1");
    let (url, _server) = serve(vec![busy, full(16, "01234").into(), rest(5).into()]);
    let mut told = Vec::new();
    let source = unknown(&url);
    fetch_within(&QUICK, &source, &case.dest, &mut |progress| {
        told.push(progress)
    })
    .unwrap();
    assert_eq!(told[0], Progress::Waiting(Duration::from_secs(1)));
    for have in [0, 5, 16] {
        let bytes = Progress::Bytes { have, of: Some(16) };
        assert!(told.contains(&bytes), "{told:?}");
    }
}

#[test]
fn a_cut_download_is_continued_where_it_stopped() {
    let case = Case::new();
    let (url, server) = serve(vec![full(16, "01234").into(), rest(5).into()]);
    assert_eq!(case.complete(&known(&url)), 16);
    let seen = server.join().unwrap();
    assert!(
        seen[1].contains("range: bytes=5-") && seen[1].contains("if-range: \"v1\""),
        "{}",
        seen[1]
    );
}

#[test]
fn a_drop_at_any_byte_of_the_answer_is_made_good() {
    let answer = whole();
    for cut in 0..answer.len() {
        for source in [known, unknown] {
            let case = Case::new();
            let got = cut.saturating_sub(head(&answer));
            let (url, server) = serve(vec![answer[..cut].into(), from(got).into()]);
            let received = case.fetch(&source(&url));
            assert_eq!(received.unwrap(), 16, "dropped at {cut}");
            case.has_the_file_and_nothing_else();
            server.join().unwrap();
        }
    }
}

#[test]
fn a_drop_at_any_byte_of_a_continued_answer_is_made_good() {
    let answer = rest(5);
    for cut in 0..answer.len() {
        let case = Case::new();
        let got = 5 + cut.saturating_sub(head(&answer));
        let (url, server) = serve(vec![answer[..cut].into(), rest(got).into()]);
        case.leave(&BODY[..5], &url, "\"v1\"");
        assert_eq!(
            case.fetch(&known(&url)).unwrap(),
            11,
            "dropped at {cut}, continued at {got}"
        );
        case.has_the_file_and_nothing_else();
        server.join().unwrap();
    }
}

#[test]
fn drops_in_a_row_are_made_good_as_long_as_each_brings_something() {
    let drops: Vec<Answer> = (0..16)
        .map(|got| {
            let answer = from(got);
            answer[..=head(&answer)].into()
        })
        .collect();
    let case = Case::new();
    let (url, server) = serve(drops);
    assert_eq!(case.complete(&known(&url)), 16);
    assert_eq!(server.join().unwrap().len(), 16);
}

#[test]
fn a_server_that_drops_everything_is_given_up_and_the_next_call_continues() {
    for cut in 0..whole().len() {
        let case = Case::new();
        let got = cut.saturating_sub(head(&whole()));
        let again = from(got);
        let mut answers: Vec<Answer> = vec![whole()[..cut].into()];
        // A first attempt without new bytes counts as well.
        let fruitless = if got == 0 { 2 } else { 3 };
        answers.extend((0..fruitless).map(|_| again[..cut.min(head(&again))].into()));
        answers.push(again.into());
        let (url, server) = serve(answers);
        let error = case.error(&known(&url));
        assert!(error.contains("run again"), "dropped at {cut}: {error}");
        assert_eq!(case.complete(&known(&url)), 16 - got as u64);
        server.join().unwrap();
    }
}

#[test]
fn a_later_run_continues_the_part_of_a_killed_one() {
    let case = Case::new();
    let (url, server) = serve(vec![rest(7).into()]);
    case.leave(&BODY[..7], &url, "\"v1\"");
    assert_eq!(case.complete(&known(&url)), 9);
    assert!(server.join().unwrap()[0].contains("range: bytes=7-"));
}

#[test]
fn a_run_killed_before_its_last_step_needs_no_network() {
    let case = Case::new();
    let url = dead();
    case.leave(BODY, &url, "\"v1\"");
    assert_eq!(case.complete(&known(&url)), 0);
    // Neither does one without a published size, since the server announced it.
    let case = Case::new();
    case.leave(BODY, &url, "\"v1\"\n16");
    assert_eq!(case.complete(&unknown(&url)), 0);
}

#[test]
fn a_part_of_another_url_or_a_changed_file_is_not_continued() {
    // Another URL: the part is removed, and no range is requested.
    let case = Case::new();
    case.leave("XXXXX", "http://elsewhere/", "\"v1\"");
    let (url, server) = serve(vec![whole().into()]);
    case.complete(&known(&url));
    assert!(!server.join().unwrap()[0].contains("range:"));
    // The same URL, but the server responds to If-Range with the whole new file.
    let case = Case::new();
    let (url, server) = serve(vec![whole().into()]);
    case.leave("XXXXX", &url, "\"v0\"");
    case.complete(&known(&url));
    assert!(server.join().unwrap()[0].contains("if-range: \"v0\""));
    // The server continues the new file all the same.
    let case = Case::new();
    let (url, _server) = serve(vec![rest(5).into(), whole().into()]);
    case.leave("XXXXX", &url, "\"v0\"");
    case.complete(&unknown(&url));
}

#[test]
fn a_part_that_nothing_vouches_for_is_not_continued() {
    // There is neither a mark nor a checksum.
    let case = Case::new();
    let (url, server) = serve(vec![whole().into()]);
    case.leave(&BODY[..5], &url, "\n16");
    case.complete(&unknown(&url));
    assert!(!server.join().unwrap()[0].contains("range:"));
}

#[test]
fn a_server_that_ignores_ranges_is_downloaded_from_the_start() {
    let case = Case::new();
    let (url, server) = serve(vec![full(16, "01234567").into(), whole().into()]);
    assert_eq!(case.complete(&known(&url)), 24);
    assert!(server.join().unwrap()[1].contains("range: bytes=8-"));
}

#[test]
fn a_server_that_ignores_ranges_and_always_drops_is_given_up() {
    let case = Case::new();
    let (url, server) = serve((0..4).map(|_| full(16, "01234567").into()).collect());
    let error = case.error(&known(&url));
    assert!(
        error.contains("without progress") && error.contains("cut off after 8 bytes"),
        "{error}"
    );
    assert_eq!(server.join().unwrap().len(), 4);
}

#[test]
fn another_range_than_asked_for_is_not_appended() {
    for range in ["0-15/16", "4-15/16", "6-15/16", "x-y/z", "*/16", "5"] {
        let case = Case::new();
        let (url, server) = serve(vec![partial(range, BODY).into(), whole().into()]);
        case.leave(&BODY[..5], &url, "\"v1\"");
        case.complete(&known(&url));
        assert!(!server.join().unwrap()[1].contains("range:"), "{range}");
    }
}

#[test]
fn a_server_that_never_gives_the_asked_range_is_given_up() {
    let cut = || full(16, "01234").into();
    let wrong = || partial("0-15/16", BODY).into();
    let case = Case::new();
    let (url, server) = serve(vec![cut(), wrong(), cut(), wrong()]);
    let error = case.error(&known(&url));
    assert!(error.contains("another range"), "{error}");
    assert_eq!(server.join().unwrap().len(), 4);
}

#[test]
fn a_range_shorter_than_the_rest_is_continued() {
    let case = Case::new();
    let (url, server) = serve(vec![
        partial("5-9/16", &BODY[5..10]).into(),
        rest(10).into(),
    ]);
    case.leave(&BODY[..5], &url, "\"v1\"");
    assert_eq!(case.complete(&known(&url)), 11);
    server.join().unwrap();
}

#[test]
fn a_rest_of_a_file_of_another_size_is_refused_or_begun_anew() {
    // If it contradicts the published size, it is another file.
    let case = Case::new();
    let other = || partial("5-19/20", "56789abcdefghij").into();
    let (url, server) = serve(vec![other()]);
    case.leave(&BODY[..5], &url, "\"v1\"");
    let error = case.error(&known(&url));
    assert!(error.contains("offers 20 bytes, but 16"), "{error}");
    server.join().unwrap();
    // If it contradicts the size of the first half, it may be a newer one.
    let case = Case::new();
    let (url, server) = serve(vec![full(16, "01234").into(), other(), whole().into()]);
    case.complete(&unknown(&url));
    assert!(!server.join().unwrap()[2].contains("range:"));
}

#[test]
fn a_file_of_another_size_is_refused_before_it_is_downloaded() {
    for announced in [5, 15, 17, 1 << 40] {
        let case = Case::new();
        let (url, server) = serve(vec![full(announced, BODY).into()]);
        let error = case.error(&known(&url));
        let offer = format!("offers {announced} bytes, but 16");
        assert!(error.contains(&offer) && !case.part().exists(), "{error}");
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_announces_more_than_it_has_is_given_up() {
    let case = Case::new();
    let too_much = || full(20, BODY).into();
    let beyond = || status("416 Range Not Satisfiable");
    let (url, server) = serve(vec![too_much(), beyond(), too_much(), beyond()]);
    let error = case.error(&unknown(&url));
    assert!(error.contains("without progress"), "{error}");
    assert_eq!(server.join().unwrap().len(), 4);
}

#[test]
fn more_bytes_than_published_are_refused_though_none_were_announced() {
    let case = Case::new();
    let (url, server) = serve(vec![
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{BODY}!").into(),
    ]);
    let error = case.error(&known(&url));
    assert!(error.contains("more than the 16 bytes"), "{error}");
    assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 0);
    server.join().unwrap();
}

#[test]
fn a_file_of_unknown_size_has_a_limit() {
    let case = Case::new();
    let (url, server) = serve(vec![full(1001, BODY).into()]);
    let error = case.error(&unknown(&url));
    assert!(error.contains("more than the 1.0 kB"), "{error}");
    server.join().unwrap();

    let endless = "x".repeat(10_000);
    let (url, server) = serve(vec![
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{endless}").into(),
    ]);
    let error = case.error(&unknown(&url));
    assert!(error.contains("more than the 1.0 kB"), "{error}");
    assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 0);
    server.join().unwrap();
}

#[test]
fn a_chunked_answer_without_its_end_is_cut_off() {
    let head = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let case = Case::new();
    let (url, server) = serve(vec![format!("{head}5\r\n01234\r\n").into(), rest(5).into()]);
    assert_eq!(case.complete(&unknown(&url)), 16);
    server.join().unwrap();
}

#[test]
fn a_wrong_checksum_removes_the_download() {
    let case = Case::new();
    let (url, server) = serve(vec![full(16, "0123456789abcdeX").into()]);
    let error = case.error(&known(&url));
    assert!(error.contains("md5") && error.contains(BODY_MD5), "{error}");
    assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 0);
    server.join().unwrap();
}

#[test]
fn a_server_that_never_delivers_is_given_up_and_the_part_kept() {
    let case = Case::new();
    let nothing = || status("503 Busy");
    let (url, server) = serve(vec![
        full(16, "0123").into(),
        nothing(),
        nothing(),
        nothing(),
    ]);
    let error = case.error(&known(&url));
    assert!(
        error.contains("run again later")
            && error.contains("continues from 4 bytes")
            && error.contains("503"),
        "{error}"
    );
    assert_eq!(fs::read(case.part()).unwrap(), b"0123");
    assert_eq!(server.join().unwrap().len(), 4);
}

#[test]
fn a_refusal_that_will_not_pass_is_an_error_at_once() {
    for refusal in [
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "410 Gone",
        "204 No Content",
    ] {
        let case = Case::new();
        let (url, server) = serve(vec![status(refusal)]);
        let error = case.error(&known(&url));
        assert!(
            error.contains(&format!("{url} answered {}", &refusal[..3])),
            "{error}"
        );
        assert_eq!(server.join().unwrap().len(), 1);
    }
}

#[test]
fn a_refusal_that_may_pass_is_asked_again() {
    for refusal in [
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
        "429 Too Many Requests",
        "408 Request Timeout",
    ] {
        let case = Case::new();
        let (url, server) = serve(vec![status(refusal), status(refusal), whole().into()]);
        assert_eq!(case.fetch(&known(&url)).unwrap(), 16, "{refusal}");
        server.join().unwrap();
    }
}

#[test]
fn the_wait_a_server_asks_for_is_granted() {
    let case = Case::new();
    let busy = || status("429 Too Many Requests\r\nRetry-After: 1");
    let (url, server) = serve(vec![busy(), whole().into()]);
    let start = Instant::now();
    case.fetch(&known(&url)).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    server.join().unwrap();
}

#[test]
fn a_wait_beyond_the_limit_is_left_to_the_user() {
    for wait in ["3", "3600", "99999999999999999"] {
        let case = Case::new();
        let busy = status(&format!("429 Too Many Requests\r\nRetry-After: {wait}"));
        let (url, server) = serve(vec![busy]);
        let start = Instant::now();
        let error = case.error(&known(&url));
        assert!(
            error.contains("429") && error.contains("run again later"),
            "{error}"
        );
        assert!(start.elapsed() < Duration::from_secs(1));
        assert_eq!(server.join().unwrap().len(), 1);
    }
}

#[test]
fn a_wait_given_as_a_date_or_nonsense_is_the_usual_pause() {
    for wait in [
        "Wed, 21 Oct 2099 07:28:00 GMT",
        "99999999999999999999",
        "-1",
        "soon",
        "",
    ] {
        let case = Case::new();
        let busy = status(&format!("503 Busy\r\nRetry-After: {wait}"));
        let (url, server) = serve(vec![busy, whole().into()]);
        case.fetch(&known(&url)).unwrap();
        server.join().unwrap();
    }
}

#[test]
fn a_redirect_is_followed_also_when_continuing() {
    let case = Case::new();
    let (target, mirror) = serve(vec![full(16, "01234").into(), rest(5).into()]);
    let there = || status(&format!("302 Found\r\nLocation: {target}"));
    let (url, server) = serve(vec![there(), there()]);
    assert_eq!(case.complete(&known(&url)), 16);
    assert!(mirror.join().unwrap()[1].contains("range: bytes=5-"));
    server.join().unwrap();
}

#[test]
fn a_redirect_loop_is_an_error() {
    let case = Case::new();
    let around = || status("302 Found\r\nLocation: /file.zip");
    let (url, server) = serve((0..11).map(|_| around()).collect());
    let error = case.error(&known(&url));
    assert!(error.contains("too many redirects"), "{error}");
    assert_eq!(server.join().unwrap().len(), 11);
}

#[test]
fn a_redirect_to_a_dead_host_or_to_nowhere_is_an_error_at_once() {
    for target in [
        dead().as_str(),
        "http://host.invalid/",
        "ftp://127.0.0.1/",
        "http://",
        "::",
    ] {
        let case = Case::new();
        let (url, server) = serve(vec![status(&format!("302 Found\r\nLocation: {target}"))]);
        let error = case.error(&known(&url));
        assert!(
            error.contains(&format!(
                "no answer from {url} or from the address to which it redirects"
            )),
            "{target}: {error}"
        );
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up_after_the_silence_limit() {
    for said in ["", "HTTP/1.1 200 OK\r\nContent-"] {
        let case = Case::impatient();
        let (url, server) = serve(vec![stalled(said)]);
        let start = Instant::now();
        let error = case.error(&known(&url));
        assert!(
            error.contains("no answer") && error.contains("timeout"),
            "{error}"
        );
        assert!(start.elapsed() < Duration::from_secs(2));
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_stops_in_the_middle_is_asked_again() {
    let case = Case::impatient();
    let (url, server) = serve(vec![stalled(&full(16, "01234")), rest(5).into()]);
    assert_eq!(case.complete(&known(&url)), 16);
    server.join().unwrap();
}

#[test]
fn a_server_that_always_stops_is_given_up_and_the_part_kept() {
    let case = Case::impatient();
    let head = &rest(5)[..head(&rest(5))];
    let (url, server) = serve(vec![
        stalled(&full(16, "01234")),
        stalled(head),
        stalled(""),
        stalled(head),
    ]);
    let start = Instant::now();
    let error = case.error(&known(&url));
    assert!(error.contains("continues from 5 bytes"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(fs::read(case.part()).unwrap(), b"01234");
    server.join().unwrap();
}

#[test]
fn an_answer_that_is_no_http_is_an_error_at_once() {
    let endless = format!(
        "HTTP/1.1 200 OK\r\n{}",
        "X-Filler: 0123456789\r\n".repeat(10_000)
    );
    for answer in ["SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\0\r\n\r\n", &endless] {
        let case = Case::new();
        let (url, server) = serve(vec![answer.into()]);
        let error = case.error(&known(&url));
        assert!(error.contains("no answer"), "{error}");
        server.join().unwrap();
    }
}

#[test]
fn a_target_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let below = file.join("deep/file.zip");
    let error = fetch(&known(&dead()), &below, &mut |_| ())
        .unwrap_err()
        .to_string();
    assert!(error.contains("file/deep: "), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    // A folder is where the file should be.
    let case = Case::new();
    fs::create_dir(&case.dest).unwrap();
    let (url, server) = serve(vec![whole().into()]);
    let error = case.fetch(&known(&url)).unwrap_err().to_string();
    assert!(error.contains("file.zip: "), "{error}");
    server.join().unwrap();
    // When the folder is gone, the next call needs nothing from the server.
    fs::remove_dir(&case.dest).unwrap();
    assert_eq!(case.complete(&known(&url)), 0);
}

/// A full disk, which Linux provides as a device.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_download_at_once() {
    let case = Case::new();
    std::os::unix::fs::symlink("/dev/full", case.part()).unwrap();
    let (url, server) = serve(vec![whole().into()]);
    let error = case.error(&known(&url));
    assert!(error.contains("file.zip.part: No space left"), "{error}");
    assert_eq!(server.join().unwrap().len(), 1);
}
