use super::super::Set;
use super::super::testing::{detected, read_as, refused, summary};

fn one(text: &str) -> Set {
    read_as("atlas", &[("1_a.sql", text)])
}

const A: &str = "CREATE TABLE a (id int);\n";
const B: &str = "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY ON a (id);\n";
// By Atlas's algorithm, computed elsewhere.
const SUM: &str = "h1:TFIGVBgjwhs+2QcrIRCS0QzeFByvFCKxZnTWfQ9ilGE=\n\
    1_a.sql h1:e72Wd39UNYY4sGrVkNYkCs4GRrWBQ0ASXh73rS+WpU4=\n\
    2_b.sql h1:ksbZ/iCScxC1E0kWpA/KAF590E73rEOjugo5aSfgkL0=\n";

#[test]
fn compares_files_with_the_sum() {
    let all = [("m/1_a.sql", A), ("m/2_b.sql", B), ("m/atlas.sum", SUM)];
    let set = read_as("atlas", &all);
    assert_eq!(set.problems, []);
    assert_eq!(summary(&set), ["1 a up", "2 b up no-tx"]);
    assert_eq!(detected(&all), "atlas");
    // As psql gives them.
    let cut = all.map(|(path, text)| (path, text.strip_suffix('\n').unwrap_or(text)));
    assert_eq!(read_as("atlas", &cut).problems, []);
    for (changed, path, message) in [
        (
            vec![("m/1_a.sql", "SELECT 1;\n"), all[1], all[2]],
            "m/1_a.sql",
            "the hashes are not equal",
        ),
        (vec![all[0], ("m/2_b.sql", A), all[2]], "m/2_b.sql", "the hashes are not equal"),
        (vec![all[0], all[2]], "m/atlas.sum", "it names \"2_b.sql\", which is not there"),
        (vec![all[1], all[2]], "m/atlas.sum", "it names \"1_a.sql\", which is not there"),
        (vec![all[0], all[1], ("m/3_c.sql", ""), all[2]], "m/3_c.sql", "does not name it"),
        (vec![("m/0_c.sql", ""), all[0], all[1], all[2]], "m/0_c.sql", "does not name it"),
        (vec![all[0], all[1], ("m/atlas.sum", "")], "m/atlas.sum", "does not begin with a hash"),
    ] {
        let problems = read_as("atlas", &changed).problems;
        assert_eq!(problems[0].path, path, "{problems:?}");
        assert!(problems[0].message.contains(message), "{problems:?}");
    }
    let other = SUM.replacen("h1:", "h1:x", 1);
    let set = read_as("atlas", &[all[0], all[1], ("m/atlas.sum", &other)]);
    assert_eq!(set.problems[0].message, "its first line is not the hash of the others");
}

#[test]
fn the_order_is_that_of_names() {
    let all = [("9_a.sql", ""), ("10_b.sql", ""), ("11.sql", "")];
    let set = read_as("atlas", &all);
    assert_eq!(summary(&set), ["10 b up", "11 11 up", "9 a up requires:11"]);
}

#[test]
fn claims_its_folders() {
    for (all, expected) in [
        (&[("1_a.sql", ""), ("atlas.sum", "")][..], "atlas"),
        (&[("1_a.sql", "-- atlas:txmode none\n\nx")], "atlas"),
        (&[("1_a.sql", "SELECT 'atlas:x'")], "numbered"),
        (&[("1_a.up.sql", ""), ("1_a.down.sql", ""), ("atlas.sum", "")], "golang-migrate"),
        (&[("1_a.sql", "-- +goose Up\n"), ("atlas.sum", "")], "goose"),
        (&[("1_a.sql", "-- migrate:up\n"), ("atlas.sum", "")], "dbmate"),
        (&[("V1__a.sql", ""), ("atlas.sum", "")], "flyway"),
    ] {
        assert_eq!(detected(all), expected, "{all:?}");
    }
}

#[test]
fn a_checkpoint_is_used_if_nothing_is_before_it() {
    let checkpoint = "-- atlas:checkpoint v1\n\nCREATE TABLE a ();";
    let all = [("1_a.sql", A), ("2_check.sql", checkpoint), ("3_c.sql", "")];
    let set = read_as("atlas", &all);
    assert_eq!(summary(&set), ["1 a up", "3 c up"]);
    assert_eq!(set.ignored[0].0, "2_check.sql");
    assert_eq!(summary(&read_as("atlas", &all[1..])), ["2 check up", "3 c up"]);
}

#[test]
fn replaces_delimiters() {
    let up = |text: &str| one(text).migrations.first().and_then(|found| found.up.clone());
    assert_eq!(
        up("-- atlas:delimiter -- end\nSELECT 1\n-- end\nSELECT 2;\n-- end\n").as_deref(),
        Some("-- atlas:delimiter -- end\nSELECT 1\n;-- end\nSELECT 2;\n-- end\n")
    );
    let blank = "-- atlas:delimiter \\n\\n\\n\nSELECT 1;\n\n\nSELECT 2;\n";
    assert_eq!(up(blank).as_deref(), Some(blank));
}

#[test]
fn refuses_what_is_not_supported() {
    for (text, line, message) in [
        ("-- atlas:delimiter \\n\\n\\n\nSELECT 1;\n\n\nSELECT 2\n\n\n", 5, "without a semicolon"),
        ("-- atlas:delimiter //\nSELECT 1//\n", 1, "ends statements with \"//\""),
        ("-- atlas:delimiter\nSELECT 1", 1, "the delimiter is empty"),
        ("SELECT 1;\n-- atlas:delimiter //\n", 2, "does not see atlas:delimiter"),
        ("-- atlas:import ../x.sql\n\nSELECT 1;", 1, "atlas:import is not supported"),
        ("SELECT 1;\n--atlas:import x.sql", 2, "atlas:import is not supported"),
        ("-- atlas:txmode none\nSELECT 1;", 1, "does not see atlas:txmode"),
        ("SELECT 1;\n-- atlas:txmode none\n", 2, "does not see atlas:txmode"),
        ("-- atlas:txmode some\n\nSELECT 1;", 1, "no transaction mode \"some\""),
        ("-- a\n-- atlas:checkpoint\nSELECT 1;", 2, "does not see atlas:checkpoint"),
        ("-- atlas:txtar\n\n-- checks.sql --", 1, "directive atlas:txtar is not supported"),
    ] {
        refused(text, &one(text).problems, line, message);
    }
    for text in [
        "-- a\n-- atlas:nolint destructive\n\nSELECT 1;",
        "-- atlas:txmode file\n-- x\nSELECT 1;",
        "-- atlas:sum ignore\n\n-- atlas:nolint\nDROP TABLE a;",
        "SELECT 'atlas:import x';",
    ] {
        assert_eq!(one(text).problems, [], "{text}");
    }
}
