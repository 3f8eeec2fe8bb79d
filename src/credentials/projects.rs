//! What service accounts and others may do in Google Cloud projects.

use super::file::{CustomRole, ProjectPolicy};
use lclq_iam::{Level, Policy, Roles};
use std::collections::HashMap;

/// The project that stands for all.
const ALL: &str = "*";

/// Roles, and the policies of projects.
#[derive(Debug, Default)]
pub struct IamSettings {
    /// Google's, and those of the file.
    pub roles: Roles,
    projects: HashMap<String, Policy>,
}

impl IamSettings {
    /// Reads those of a file.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(super) fn of(
        policies: &[ProjectPolicy],
        custom_roles: &[CustomRole],
    ) -> Result<Self, String> {
        let mut roles = Roles::new();
        for role in custom_roles {
            let defined = roles.define(&role.name, &role.permissions);
            defined.map_err(|error| format!("custom role {}: {error}", role.name))?;
        }
        let mut projects = HashMap::new();
        for ProjectPolicy { project, document } in policies {
            let policy = Policy::parse(document, Level::Project, &roles);
            let policy = policy.map_err(|error| format!("policy of project {project}: {error}"))?;
            if projects.insert(project.clone(), policy).is_some() {
                return Err(format!("the policy of project {project} is there twice"));
            }
        }
        Ok(Self { roles, projects })
    }

    /// Whether there are any. Without, whoever is let in may do everything.
    pub fn has_policies(&self) -> bool {
        !self.projects.is_empty()
    }

    /// The policies that hold in a project.
    pub fn of_project(&self, project: &str) -> impl Iterator<Item = &Policy> + use<'_> {
        let own = self.projects.get(project).filter(|_| project != ALL);
        own.into_iter().chain(self.projects.get(ALL))
    }
}
