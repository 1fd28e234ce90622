//! Bundles: the registry of a project as one document, to move it to another database.

use super::configuration;
use super::registration::{Registration, RegistryChange};
use super::validation::{check_name, check_requires};
use crate::domain::bundle::{Bundle, FORMAT, Migration, hex};
use crate::domain::moment::Moment;
use crate::domain::script::prepare::Syntax;
use crate::domain::text::quoted;
use crate::domain::version::{MAX_LENGTH, Version, repeatable_key};
use crate::engine::errors::invalid_version;
use crate::error::{Error, Result};
use crate::pg::argument;
use crate::pg::message;
use crate::pg::spi::View;
use crate::store;
use crate::store::errors::unknown_project;
use crate::store::project::{Configuration, Project};
use crate::store::registry::{Content, Registered};

/// Exports the registry and the configuration of a project. Values of variables are left out.
/// Errors: the project is unknown (42704).
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
    // With the stored digest, so that the import refuses texts that were changed directly.
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

/// A migration of a bundle that was imported.
pub struct Imported {
    /// The version. None: a repeatable migration.
    pub version: Option<String>,
    /// The name.
    pub name: String,
    /// How the registry has changed.
    pub change: RegistryChange,
}

/// Registers everything that a bundle holds in a project. A project that exists keeps its
/// configuration, and another registered text is an error, unless `replace` is true. Returns a row
/// for each migration.
///
/// Errors: the bundle is not valid (22023); those of add().
pub fn import(bundle: Bundle, project: &str, replace: bool) -> Result<Vec<Imported>> {
    let Bundle { search_path, out_of_order, placeholders, settings, .. } = bundle;
    let allows_out_of_order = match out_of_order.as_str() {
        "allow" => true,
        "error" => false,
        other => return Err(unusable("out_of_order", other)),
    };
    let Some(syntax) = Syntax::parse(&placeholders) else {
        return Err(unusable("placeholders", &placeholders));
    };
    for name in bundle.variables.iter().chain(&bundle.secrets) {
        configuration::check_variable(name)?;
    }
    let former = store::with(|batch| {
        let known = batch.projects()?.iter().any(|known| known == project);
        if known { batch.project(project, View::Newest) } else { Ok(None) }
    })?;
    let settings = settings.into_iter().map(|(name, value)| (name, value.into()));
    let wanted = Configuration {
        search_path: Some(search_path),
        allows_out_of_order: Some(allows_out_of_order),
        settings: Some(configuration::settings(serde_json::Value::Object(settings.collect()))?),
        placeholders: Some(syntax),
    };
    let keeps_configuration = former.is_some() && !replace;
    import_configuration(project, former.as_ref(), wanted, replace)?;
    notify_of_variables(project, former.as_ref(), bundle.variables);
    Registration::of("migrations.import_bundle()", project, |registration| {
        if !keeps_configuration && !bundle.secrets.is_empty() {
            registration.add_secrets(bundle.secrets)?;
        }
        let mut imported = Vec::with_capacity(bundle.migrations.len());
        for migration in bundle.migrations {
            imported.push(import_migration(registration, migration, project, replace)?);
        }
        Ok(imported)
    })
}

/// The error of a bundle that has an invalid value.
fn unusable(name: &str, value: &str) -> Error {
    let value = quoted(value);
    argument::invalid(format!("invalid {name} in the bundle: {value}"), "Export the bundle again.")
}

/// Gives the project the configuration of the bundle, unless it exists and is not to be replaced.
fn import_configuration(
    project: &str,
    former: Option<&Project>,
    wanted: Configuration,
    replace: bool,
) -> Result<()> {
    match former {
        Some(former) if !differs(former, &wanted) => {}
        Some(_) if !replace => {
            message::notice(&format!("project {project} keeps its configuration"));
        }
        _ => {
            configuration::configure(project, wanted)?;
        }
    }
    Ok(())
}

/// Reports the variables of the bundle that have no value in the project: a bundle has no values.
fn notify_of_variables(project: &str, former: Option<&Project>, variables: Vec<String>) {
    let is_set =
        |name: &String| former.is_some_and(|former| former.variables.values.contains_key(name));
    let unset: Vec<String> = variables.into_iter().filter(|name| !is_set(name)).collect();
    if !unset.is_empty() {
        let names = unset.join(", ");
        message::notice(&format!("variables of project {project} have no value yet: {names}"));
    }
}

/// Registers one migration of a bundle.
fn import_migration(
    registration: &mut Registration,
    migration: Migration,
    project: &str,
    replace: bool,
) -> Result<Imported> {
    let moment = Moment::parse(&migration.moment)
        .filter(|moment| *moment == Moment::Changed || migration.version.is_none())
        .ok_or_else(|| unusable("moment", &migration.moment))?;
    if !["error", "skip", "mark"].contains(&migration.on_fail.as_str()) {
        return Err(unusable("on_fail", &migration.on_fail));
    }
    let has_no_script = migration.up.is_none() && migration.down.is_none();
    let is_too_long = migration.version.is_none() && migration.name.len() > MAX_LENGTH;
    check_name(&migration.name)?;
    if has_no_script || is_too_long {
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
    let change = registration.put_content(version.as_ref(), &key, content, replace)?;
    Ok(Imported { version: migration.version, name: migration.name, change })
}

/// The search_path of a project, and its other settings.
fn split(project: &Project) -> (Option<String>, Vec<(String, String)>) {
    let (paths, settings): (Vec<_>, Vec<_>) =
        project.settings.iter().cloned().partition(|(name, _)| name == "search_path");
    (paths.into_iter().next().map(|(_, path)| path), settings)
}

/// Whether a configuration differs from that of a project.
fn differs(project: &Project, wanted: &Configuration) -> bool {
    let (search_path, settings) = split(project);
    wanted.search_path != Some(search_path)
        || wanted.allows_out_of_order != Some(project.allows_out_of_order)
        || wanted.placeholders != Some(project.variables.syntax)
        || wanted.settings.as_ref() != Some(&settings)
}
