//! Functions that register migrations, and configure projects.

use super::arguments::{OnFail, OutOfOrder, Project, Requires};
use crate::domain::moment::Moment;
use crate::domain::script::prepare::Syntax;
use crate::domain::text::quoted;
use crate::domain::version::{MAX_LENGTH, Version};
use crate::error::Result;
use crate::importers::limits::check_paths;
use crate::importers::{Importer, Options};
use crate::pg::argument;
use crate::pg::call::{Rows, declare, record};
use crate::registry::errors::problem;
use crate::registry::loading::{FileResult, LoadRequest};
use crate::registry::{configuration, loading, registration, removal, validation};
use crate::store::project::{self, Configuration};
use crate::store::registry::Content;

declare! {
    /// Registers a migration. Gives `added`, `unchanged` or `replaced`.
    function add(Add {
        version: Version,
        name: String,
        up: String,
        down: Option<String> = NULL,
        project: Project = NULL,
        requires: Requires = NULL,
        precondition: Option<String> = NULL,
        verify: Option<String> = NULL,
        transactional: Option<bool> = NULL,
        on_fail: OnFail = "error",
        replace: bool = false,
    }) -> value &'static str;
}

fn add(arguments: Add) -> Result<&'static str> {
    validation::check_name(&arguments.name)?;
    let content = Content {
        name: arguments.name,
        up: Some(arguments.up),
        down: arguments.down,
        requires: arguments.requires.0,
        precondition: arguments.precondition,
        verify: arguments.verify,
        transactional: arguments.transactional,
        on_fail: arguments.on_fail.0,
        moment: Moment::Changed,
    };
    let (project, version) = (arguments.project, arguments.version);
    Ok(registration::add(&project, &version, content, arguments.replace)?.word())
}

declare! {
    /// Registers a repeatable migration. Gives `added`, `unchanged` or `replaced`.
    function add_repeatable(AddRepeatable {
        name: String,
        up: String,
        project: Project = NULL,
        requires: Requires = NULL,
        precondition: Option<String> = NULL,
        verify: Option<String> = NULL,
        transactional: Option<bool> = NULL,
        on_fail: OnFail = "error",
        moment: Moment = "changed",
    }) -> value &'static str;
}

fn add_repeatable(arguments: AddRepeatable) -> Result<&'static str> {
    validation::check_name(&arguments.name)?;
    // It is a key of an index.
    if arguments.name.len() > MAX_LENGTH {
        return Err(argument::invalid(
            format!("the name of a repeatable migration is longer than {MAX_LENGTH} bytes"),
            "Use a shorter one.",
        ));
    }
    let content = Content {
        name: arguments.name,
        up: Some(arguments.up),
        down: None,
        requires: arguments.requires.0,
        precondition: arguments.precondition,
        verify: arguments.verify,
        transactional: arguments.transactional,
        on_fail: arguments.on_fail.0,
        moment: arguments.moment,
    };
    Ok(registration::add_repeatable(&arguments.project, content)?.word())
}

declare! {
    /// Registers what one migration file holds. Gives `added`, `unchanged` or `replaced`.
    function add_file(AddFile {
        path: String,
        content: String,
        project: Project = NULL,
        replace: bool = false,
        convention: Option<&'static dyn Importer> = NULL,
        options: Option<serde_json::Value> = NULL,
    }) -> value &'static str;
}

fn add_file(arguments: AddFile) -> Result<&'static str> {
    let AddFile { path, content, project, replace, convention, options } = arguments;
    check_paths([path.as_str()].into_iter()).map_err(problem)?;
    let request = request(project, replace, convention, options)?;
    Ok(loading::add_file(path, content, &request)?.word())
}

record! {
    /// What a file was registered as.
    LoadedFile as loaded_file {
        file: String,
        version: Option<String>,
        name: Option<String>,
        direction: Option<&'static str>,
        result: String,
    }
}

fn add_all(rows: &mut Rows<LoadedFile>, files: Vec<FileResult>) {
    for FileResult { file, version, name, part, result } in files {
        rows.add(LoadedFile { file, version, name, direction: part, result });
    }
}

declare! {
    /// Registers all migrations that the files of a folder hold, or none.
    function add_files(AddFiles {
        paths: Vec<String>,
        contents: Vec<String>,
        project: Project = NULL,
        replace: bool = false,
        convention: Option<&'static dyn Importer> = NULL,
        options: Option<serde_json::Value> = NULL,
    }) -> rows LoadedFile;
}

fn add_files(arguments: AddFiles, rows: &mut Rows<LoadedFile>) -> Result<()> {
    let AddFiles { paths, contents, project, replace, convention, options } = arguments;
    if paths.len() != contents.len() {
        return Err(argument::invalid(
            format!("there are {} paths, but {} contents", paths.len(), contents.len()),
            "Give the content of each file at the place of its path.",
        ));
    }
    check_paths(paths.iter().map(String::as_str)).map_err(problem)?;
    let files = paths.into_iter().zip(contents).collect();
    let request = request(project, replace, convention, options)?;
    add_all(rows, loading::add_files(files, &request)?);
    Ok(())
}

declare! {
    /// Registers all migrations of a folder on the server's machine, or none.
    function load(Load {
        directory: String,
        project: Project = NULL,
        replace: bool = false,
        convention: Option<&'static dyn Importer> = NULL,
        options: Option<serde_json::Value> = NULL,
    }) -> rows LoadedFile;
}

fn load(arguments: Load, rows: &mut Rows<LoadedFile>) -> Result<()> {
    let Load { directory, project, replace, convention, options } = arguments;
    let request = request(project, replace, convention, options)?;
    add_all(rows, loading::load(&directory, &request)?);
    Ok(())
}

fn request(
    project: Project,
    replace: bool,
    convention: Option<&'static dyn Importer>,
    given: Option<serde_json::Value>,
) -> Result<LoadRequest> {
    let options = given.map(options).transpose()?.unwrap_or_default();
    Ok(LoadRequest { project: project.into_name(), replace, convention, options })
}

/// An object of options by their names; a list is joined by commas.
fn options(json: serde_json::Value) -> Result<Options> {
    use serde_json::Value as Json;
    let invalid = |message: &str| {
        argument::invalid(
            message.to_owned(),
            "Use an object of names and texts, such as {\"prefix\": \"V\"}.",
        )
    };
    let Json::Object(object) = json else {
        return Err(invalid("argument \"options\" is not an object"));
    };
    let plain = |value: &Json| match value {
        Json::String(value) => Some(value.clone()),
        Json::Number(value) => Some(value.to_string()),
        Json::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    let option = |(name, value): (String, Json)| {
        let text = match &value {
            Json::Array(values) => values
                .iter()
                .map(plain)
                .collect::<Option<Vec<String>>>()
                .map(|texts| texts.join(",")),
            value => plain(value),
        };
        let message = || format!("option {} has no plain value", quoted(&name));
        text.map(|text| (name.clone(), text)).ok_or_else(|| invalid(&message()))
    };
    object.into_iter().map(option).collect()
}

declare! {
    /// Removes a migration that is not applied from the registry. Gives `removed`.
    function remove(Remove {
        version: Version,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> value &'static str;
}

fn remove(arguments: Remove) -> Result<&'static str> {
    let Remove { version, project, reason } = arguments;
    removal::remove(&project, &version, reason.as_deref())?;
    Ok("removed")
}

declare! {
    /// Removes a repeatable migration from the registry. Gives `removed`.
    function remove_repeatable(RemoveRepeatable {
        name: String,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> value &'static str;
}

fn remove_repeatable(arguments: RemoveRepeatable) -> Result<&'static str> {
    let RemoveRepeatable { name, project, reason } = arguments;
    removal::remove_repeatable(&project, &name, reason.as_deref())?;
    Ok("removed")
}

record! {
    /// The configuration of a project.
    ProjectConfiguration as project_configuration {
        project: String,
        search_path: Option<String>,
        out_of_order: &'static str,
        settings: serde_json::Value,
        placeholders: &'static str,
        variables: Vec<String>,
        secrets: Vec<String>,
    }
}

declare! {
    /// Changes what is given of a project's configuration, and gives all of it.
    function set_project(SetProject {
        project: Project = NULL,
        search_path: Option<String> = NULL,
        out_of_order: OutOfOrder = NULL,
        settings: Option<serde_json::Value> = NULL,
        placeholders: Option<Syntax> = NULL,
    }) -> rows ProjectConfiguration;
}

fn set_project(arguments: SetProject, rows: &mut Rows<ProjectConfiguration>) -> Result<()> {
    let SetProject { project, search_path, out_of_order, settings, placeholders } = arguments;
    let change = Configuration {
        placeholders,
        // An empty path removes the setting.
        search_path: search_path.map(|path| Some(path).filter(|path| !path.trim().is_empty())),
        allows_out_of_order: out_of_order.0,
        settings: settings.map(configuration::settings).transpose()?,
    };
    let configured = configuration::configure(&project, change)?;
    rows.add(ProjectConfiguration::new(project, configured));
    Ok(())
}

impl ProjectConfiguration {
    /// A project that does not exist yet has the defaults.
    fn new(name: Project, project: Option<project::Project>) -> ProjectConfiguration {
        let allows = project.as_ref().is_some_and(|project| project.allows_out_of_order);
        let (settings, variables) =
            project.map(|project| (project.settings, project.variables)).unwrap_or_default();
        let mut names: Vec<String> = variables.values.keys().cloned().collect();
        names.sort();
        let (paths, settings): (Vec<_>, Vec<_>) =
            settings.into_iter().partition(|(name, _)| name == "search_path");
        ProjectConfiguration {
            project: name.into_name(),
            search_path: paths.into_iter().next().map(|(_, path)| path),
            out_of_order: if allows { "allow" } else { "error" },
            settings: settings
                .into_iter()
                .map(|(name, value)| (name, serde_json::Value::from(value)))
                .collect(),
            placeholders: variables.syntax.name(),
            variables: names,
            secrets: variables.secrets.into_iter().collect(),
        }
    }
}

declare! {
    /// Sets a variable of a project; NULL removes it. Gives `set` or `unset`.
    function set_variable(SetVariable {
        name: String,
        value: Option<String>,
        project: Project = NULL,
        secret: Option<bool> = NULL,
    }) -> value &'static str;
}

fn set_variable(arguments: SetVariable) -> Result<&'static str> {
    let SetVariable { name, value, project, secret } = arguments;
    configuration::check_variable(&name)?;
    configuration::set_variable(&project, &name, value.as_deref(), secret)?;
    Ok(if value.is_some() { "set" } else { "unset" })
}
