use proptest::prelude::*;
use ser_data::Error;
use ser_data::ravdess::{Channel, EMOTIONS, Emotion, Gender, Intensity, Modality, Name, Statement};

fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

prop_compose! {
    fn any_name()(
        modality in any_of(Modality::ALL),
        channel in any_of(Channel::ALL),
        emotion in any_of(Emotion::ALL),
        intensity in any_of(Intensity::ALL),
        statement in any_of(Statement::ALL),
        repetition in 1..=2u8,
        actor in 1..=24u8,
    ) -> Name {
        let intensity = if emotion == Emotion::Neutral { Intensity::Normal } else { intensity };
        Name { modality, channel, emotion, intensity, statement, repetition, actor }
    }
}

proptest! {
    #[test]
    fn a_name_comes_back_from_its_text(name in any_name()) {
        prop_assert_eq!(name.to_string().parse::<Name>().unwrap(), name);
    }

    #[test]
    fn no_text_makes_the_parser_stumble(text in "[-0-9é ]{0,24}") {
        if let Ok(name) = text.parse::<Name>() {
            prop_assert_eq!(name.to_string(), text);
        }
    }
}

#[test]
fn the_fields_stand_for_what_the_authors_say() {
    let name: Name = "03-01-06-01-02-01-12".parse().unwrap();
    assert_eq!(name.modality, Modality::Audio);
    assert_eq!(name.channel, Channel::Speech);
    assert_eq!(name.emotion, Emotion::Fearful);
    assert_eq!(name.intensity, Intensity::Normal);
    assert_eq!(name.statement, Statement::Dogs);
    assert_eq!(name.repetition, 1);
    assert_eq!(name.speaker(), "12");
    assert_eq!(name.gender(), Gender::Female);
    assert_eq!(Name { actor: 11, ..name }.gender(), Gender::Male);
}

#[test]
fn the_emotions_have_one_spelling_and_order() {
    assert_eq!(
        Emotion::ALL
            .iter()
            .map(|emotion| emotion.as_str())
            .collect::<Vec<_>>(),
        EMOTIONS
    );
}

#[test]
fn a_wrong_name_is_told_which_field_is_wrong() {
    for (stem, expected_field, found) in [
        ("03-01-06-01-02-01", "seven fields", "03-01-06-01-02-01"),
        ("04-01-06-01-02-01-12", "modality", "04"),
        ("03-00-06-01-02-01-12", "channel", "00"),
        ("03-01-09-01-02-01-12", "emotion", "09"),
        ("03-01-01-02-02-01-12", "neutral", "02"),
        ("03-01-06-01-02-03-12", "repetition", "03"),
        ("03-01-06-01-02-01-25", "actor", "25"),
        ("03-01-06-1-02-01-12", "intensity", "1"),
        ("03-01-06-01-0x-01-12", "statement", "0x"),
    ] {
        match stem.parse::<Name>() {
            Err(Error::Name {
                name,
                expected,
                actual,
            }) => {
                assert_eq!(name, stem);
                assert!(expected.contains(expected_field), "{stem}: {expected}");
                assert_eq!(actual, found);
            }
            other => panic!("{stem}: {other:?}"),
        }
    }
}

#[test]
fn an_actor_speaks_60_clips_4_of_them_neutral() {
    let names = Name::speech_of(7);
    assert_eq!(names.len(), 60);
    assert!(names.is_sorted());
    let of = |emotion| names.iter().filter(|name| name.emotion == emotion).count();
    assert_eq!(of(Emotion::Neutral), 4);
    assert!(Emotion::ALL[1..].iter().all(|&emotion| of(emotion) == 8));
}
