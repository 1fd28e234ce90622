//! Moves what is registered of a project between databases.

use super::configuration;
use super::registration::{Outcome, Registration, check_name, check_requires};
use crate::domain::bundle::{Bundle, FORMAT, Migration, hex};
use crate::domain::moment::Moment;
use crate::domain::script::prepare::Syntax;
use crate::domain::text::quoted;
use crate::domain::version::{MAX_LENGTH, Version, repeatable_key};
use crate::engine::errors::invalid_version;
use crate::error::Result;
use crate::pg::argument;
use crate::pg::message;
use crate::pg::spi::View;
use crate::store;
use crate::store::errors::unknown_project;
use crate::store::project::{Configuration, Project};
use crate::store::registry::{Content, Registered};

/// What is registered of a project. Errors: no such project (42704).
pub fn export(name: &str) -> Result<Bundle> {
    let (project, registered) = store::with(|batch| {
        let unknown = || unknown_project(name, &[]);
        let project = batch.project(name, View::Caller)?.ok_or_else(unknown)?;
        let registered = batch.all_registered(project.id)?;
        Ok((project, registered))
    })?;
    let (search_path, settings) = split(&project);
    let secrets = project.variables.secrets.into_iter().collect();
    let mut variables: Vec<String> = project.variables.values.into_keys().collect();
    variables.sort();
    // The digest that is stored: texts that were changed directly are refused on the way in.
    let migration = |Registered { version, content, digest }: Registered| Migration {
        version,
        name: content.name,
        up: content.up,
        down: content.down,
        requires: content.requires,
        precondition: content.precondition,
        verify: content.verify,
        transactional: content.transactional,
        on_fail: content.on_fail,
        moment: content.moment.name().to_owned(),
        digest: Some(hex(&digest)),
    };
    Ok(Bundle {
        format: FORMAT,
        project: project.name,
        search_path,
        out_of_order: if project.allows_out_of_order { "allow" } else { "error" }.to_owned(),
        placeholders: project.variables.syntax.name().to_owned(),
        settings: settings.into_iter().collect(),
        variables,
        secrets,
        migrations: registered.into_iter().map(migration).collect(),
    })
}

/// A migration that was in a bundle.
pub struct Imported {
    /// Its version; None: a repeatable migration.
    pub version: Option<String>,
    /// Its name.
    pub name: String,
    /// What has become of it.
    pub outcome: Outcome,
}

/// Registers all of a bundle in a project; one that is there already keeps its
/// configuration, and another text is an error, unless `replace` asks for it.
///
/// Errors: what the bundle holds isn't valid (22023), and those of add().
pub fn import(bundle: Bundle, project: &str, replace: bool) -> Result<Vec<Imported>> {
    let unusable = |name: &str, value: &str| {
        let value = quoted(value);
        argument::invalid(
            format!("invalid {name} in the bundle: {value}"),
            "Export the bundle anew.",
        )
    };
    let allows = match bundle.out_of_order.as_str() {
        "allow" => true,
        "error" => false,
        other => return Err(unusable("out_of_order", other)),
    };
    let Some(syntax) = Syntax::parse(&bundle.placeholders) else {
        return Err(unusable("placeholders", &bundle.placeholders));
    };
    for name in bundle.variables.iter().chain(&bundle.secrets) {
        configuration::check_variable(name)?;
    }
    let former = store::with(|batch| {
        let known = batch.projects()?.iter().any(|known| known == project);
        if known { batch.project(project, View::Newest) } else { Ok(None) }
    })?;
    let settings = bundle.settings.into_iter().map(|(name, value)| (name, value.into()));
    let json = serde_json::Value::Object(settings.collect());
    let wanted = Configuration {
        search_path: Some(bundle.search_path),
        allows_out_of_order: Some(allows),
        settings: Some(configuration::settings(json)?),
        placeholders: Some(syntax),
    };
    let set = former.as_ref().map(|former| former.variables.values.clone()).unwrap_or_default();
    let keeps = former.is_some() && !replace;
    match former {
        Some(former) if !differs(&former, &wanted) => {}
        Some(_) if !replace => {
            message::notice(&format!("project {project} keeps its configuration"));
        }
        _ => {
            configuration::configure(project, wanted)?;
        }
    }
    let unset: Vec<String> =
        bundle.variables.into_iter().filter(|name| !set.contains_key(name)).collect();
    if !unset.is_empty() {
        let names = unset.join(", ");
        message::notice(&format!("variables of project {project} are to be set: {names}"));
    }
    Registration::of("migrations.import_bundle()", project, |registration| {
        if !keeps && !bundle.secrets.is_empty() {
            registration.add_secrets(bundle.secrets)?;
        }
        let mut imported = Vec::with_capacity(bundle.migrations.len());
        for migration in bundle.migrations {
            let moment = Moment::parse(&migration.moment)
                .filter(|moment| *moment == Moment::Changed || migration.version.is_none())
                .ok_or_else(|| unusable("moment", &migration.moment))?;
            if !["error", "skip", "mark"].contains(&migration.on_fail.as_str()) {
                return Err(unusable("on_fail", &migration.on_fail));
            }
            let halves = migration.up.is_none() && migration.down.is_none();
            let long = migration.version.is_none() && migration.name.len() > MAX_LENGTH;
            check_name(&migration.name)?;
            if halves || long {
                return Err(unusable("migration", &migration.name));
            }
            let version = migration
                .version
                .as_deref()
                .map(|text| Version::parse(text).map_err(|why| invalid_version(text, why)));
            let version = version.transpose()?;
            check_requires(project, version.as_ref(), &migration.requires)?;
            let content = Content {
                name: migration.name.clone(),
                up: migration.up,
                down: migration.down,
                requires: migration.requires,
                precondition: migration.precondition,
                verify: migration.verify,
                transactional: migration.transactional,
                on_fail: migration.on_fail,
                moment,
            };
            let key = match &version {
                Some(version) => version.key().to_vec(),
                None => repeatable_key(&migration.name),
            };
            let outcome = registration.put_content(version.as_ref(), &key, content, replace)?;
            let version = migration.version;
            imported.push(Imported { version, name: migration.name, outcome });
        }
        Ok(imported)
    })
}

/// The search_path of a project, and its further settings.
fn split(project: &Project) -> (Option<String>, Vec<(String, String)>) {
    let (paths, settings): (Vec<_>, Vec<_>) =
        project.settings.iter().cloned().partition(|(name, _)| name == "search_path");
    (paths.into_iter().next().map(|(_, path)| path), settings)
}

fn differs(project: &Project, wanted: &Configuration) -> bool {
    let (search_path, settings) = split(project);
    wanted.search_path != Some(search_path)
        || wanted.allows_out_of_order != Some(project.allows_out_of_order)
        || wanted.placeholders != Some(project.variables.syntax)
        || wanted.settings.as_ref() != Some(&settings)
}
