//! Enrolled speakers, in memory and in a folder.

use super::*;

#[test]
fn speakers_are_enrolled_used_and_forgotten() {
    for is_kept in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let service = Running::new(|settings| {
            if is_kept {
                settings.speakers = Speakers::Folder(path);
            }
        });
        let (one, two) = (wav(5.0, 160.0), wav(4.0, 150.0));
        service
            .get("/v1/speakers/anna")
            .assert_problem(404, "unknown-speaker");
        let (kind, body) = form(&[&one, &two], &[]);
        let put = |name: &str| service.request("PUT", name, &[("Content-Type", &kind)], &body);
        let enrolled = put("/v1/speakers/anna").json();
        assert_eq!(
            (&enrolled["speaker"], &enrolled["clips"]),
            (&json!("anna"), &json!(2))
        );
        assert_eq!(service.get("/v1/speakers/anna").json()["clips"], 2);

        let speech = [&one, &two].map(|bytes| {
            predictor()
                .speech(&stream(bytes).read_to_end().unwrap())
                .unwrap()
        });
        let speaker = predictor().enrol(&speech).unwrap();
        let answer = predictor()
            .answer_stream(stream(&one), Some(&speaker))
            .unwrap();
        let expected = AnswerLine::new(predictor().model(), "recording".into(), &answer);
        assert_eq!(
            service.post("/v1/predict?speaker=anna", &one).json(),
            written(&expected)
        );

        // An explanation takes long, so it is compared once.
        if !is_kept {
            let short = wav(0.5, 160.0);
            let sound = stream(&short).read_to_end().unwrap();
            let explained = predictor().explain(&sound, Some(&speaker)).unwrap();
            let expected =
                ExplanationLine::new(predictor().model(), "recording".into(), &explained);
            assert_eq!(
                service.post("/v1/explain?speaker=anna", &short).json(),
                written(&expected)
            );
        }

        assert_eq!(
            service
                .request("DELETE", "/v1/speakers/anna", &[], b"")
                .status,
            204
        );
        service
            .request("DELETE", "/v1/speakers/anna", &[], b"")
            .assert_problem(404, "unknown-speaker");
        service
            .post("/v1/predict?speaker=anna", &one)
            .assert_problem(400, "unknown-speaker");
        for name in ["..%2F..%2Fetc", ".hidden", "%00", "%FF"] {
            put(&format!("/v1/speakers/{name}")).assert_problem(400, "invalid-request");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn the_name_of_a_speaker_is_checked_before_the_recordings_are_read() {
    let service = Running::plain();
    let too_large =
        "PUT /v1/speakers/.hidden HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000000\r\n\r\n";
    let mut socket = connect(&service);
    socket.write_all(too_large.as_bytes()).unwrap();
    Answer::read(socket).assert_problem(400, "invalid-request");
}

#[test]
fn the_speech_of_all_recordings_of_an_enrolment_is_limited() {
    let service = Running::new(|settings| settings.limits.seconds = 4.0);
    let recording = wav(3.0, 160.0);
    for (recordings, status) in [(1, 200), (2, 413)] {
        let (kind, body) = form(&vec![&*recording; recordings], &[]);
        let headers = [("Content-Type", &*kind)];
        let answer = service.request("PUT", "/v1/speakers/anna", &headers, &body);
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

#[test]
fn a_profile_that_cannot_be_written_is_told_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let service = Running::new(|settings| settings.speakers = Speakers::Folder(path));
    let recording = wav(5.0, 160.0);
    let enrol = || service.request("PUT", "/v1/speakers/anna", &[], &recording);
    #[cfg(target_os = "linux")]
    {
        std::os::unix::fs::symlink("/dev/full", folder.path().join("anna.json")).unwrap();
        enrol().assert_problem(507, "disk-full");
    }
    folder.close().unwrap();
    enrol().assert_problem(500, "not-writable");
}

#[test]
fn a_profile_that_cannot_be_used_is_told_as_described() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("anna.json"), "no profile").unwrap();
    let path = folder.path().to_owned();
    let service = Running::new(|settings| settings.speakers = Speakers::Folder(path));
    let recording = wav(1.0, 160.0);
    let api = service.get("/openapi.json").json();
    let answers = ["predict", "timeline", "explain"].map(|route| format!("/v1/{route}"));
    for route in &answers {
        service
            .post(&format!("{route}?speaker=anna"), &recording)
            .assert_problem(409, "unusable-profile");
    }
    service
        .get("/v1/speakers/anna")
        .assert_problem(409, "unusable-profile");
    for path in answers.iter().map(String::as_str).chain(["/v1/listen"]) {
        let operation = api["paths"][path].as_object().unwrap().values().next();
        assert!(operation.unwrap()["responses"]["409"].is_object(), "{path}");
    }
}

#[test]
fn an_enrolment_has_no_options_of_an_answer() {
    let service = Running::plain();
    let recording = wav(5.0, 160.0);
    for (name, value) in [("labels", "happy,sad"), ("speaker", "bob")] {
        let path = format!("/v1/speakers/anna?{name}={value}");
        let in_path = service.request("PUT", &path, &[], &recording);
        let (kind, body) = form(&[&recording], &[(name, value)]);
        let headers = [("Content-Type", &*kind)];
        let in_form = service.request("PUT", "/v1/speakers/anna", &headers, &body);
        for refused in [in_path, in_form] {
            let problem = refused.assert_problem(400, "invalid-request");
            assert!(problem["detail"].as_str().unwrap().contains(name));
        }
    }
    service
        .get("/v1/speakers/anna")
        .assert_problem(404, "unknown-speaker");
    let put = |query: &str| {
        let path = format!("/v1/speakers/anna{query}");
        service.request("PUT", &path, &[], &recording)
    };
    assert_eq!(put("?channel=1").status, 200);
    put("?channel=each").assert_problem(400, "invalid-request");

    let api = service.get("/openapi.json").json();
    let operation = &api["paths"]["/v1/speakers/{name}"]["put"];
    let parameters = operation["parameters"].as_array().unwrap().iter();
    let names: Vec<&str> = parameters.map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["name", "channel"]);
    let form = &operation["requestBody"]["content"]["multipart/form-data"]["schema"]["$ref"];
    assert_eq!(form, "#/components/schemas/EnrolmentForm");
    let fields = &api["components"]["schemas"]["EnrolmentForm"]["properties"];
    let names: Vec<&String> = fields.as_object().unwrap().keys().collect();
    assert_eq!(names, ["channel", "recording"]);
    assert_eq!(fields["recording"]["type"], "array");
    assert_eq!(
        fields["recording"]["items"],
        json!({"type": "string", "format": "binary"})
    );
}
