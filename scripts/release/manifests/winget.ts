import { stringify } from 'yaml'
import { fileOf, type ReleaseFacts } from './release-files.ts'

/**
 * The version of the schema. microsoft/winget-pkgs refuses newer ones, although it documents them.
 */
const schema = '1.12.0'
const locale = 'en-US'

/** The three manifests for winget, by their paths in microsoft/winget-pkgs. */
export function wingetManifests(facts: ReleaseFacts): ReadonlyMap<string, string> {
  const publisher = new URL(facts.project.repository).pathname.split('/')[1] ?? ''
  const identifier = `${publisher}.dray`
  const folder = `manifests/${publisher.charAt(0).toLowerCase()}/${publisher}/dray/${facts.version}`
  const head = { PackageIdentifier: identifier, PackageVersion: facts.version }
  return new Map([
    [`${folder}/${identifier}.yaml`, manifest('version', { ...head, DefaultLocale: locale })],
    [`${folder}/${identifier}.installer.yaml`, manifest('installer', { ...head, ...installer(facts) })],
    [
      `${folder}/${identifier}.locale.${locale}.yaml`,
      manifest('defaultLocale', { ...head, ...localeFields(publisher, facts) }),
    ],
  ])
}

function installer(facts: ReleaseFacts): object {
  const { url, sha256 } = fileOf('dray-windows-x64.zip', facts)
  return {
    InstallerType: 'zip',
    NestedInstallerType: 'portable',
    NestedInstallerFiles: [{ RelativeFilePath: 'dray.exe', PortableCommandAlias: 'dray' }],
    UpgradeBehavior: 'install',
    Commands: ['dray'],
    ReleaseDate: facts.day,
    Installers: [{ Architecture: 'x64', InstallerUrl: url, InstallerSha256: sha256.toUpperCase() }],
  }
}

function localeFields(publisher: string, { project, version, description }: ReleaseFacts): object {
  return {
    PackageLocale: locale,
    Publisher: publisher,
    PublisherUrl: project.repository.split('/').slice(0, -1).join('/'),
    PublisherSupportUrl: project.bugs,
    PackageName: 'dray',
    PackageUrl: project.repository,
    License: 'Apache-2.0',
    LicenseUrl: `${project.repository}/blob/v${version}/LICENSE`,
    ShortDescription: description,
    Moniker: 'dray',
    Tags: ['containers', 'docker', 'oci', 'promotion', 'registry'],
    ReleaseNotesUrl: `${project.releases}/tag/v${version}`,
    Documentations: [{ DocumentLabel: 'Documentation', DocumentUrl: `${project.docs}/README.md` }],
  }
}

function manifest(type: string, fields: object): string {
  const body = { ...fields, ManifestType: type, ManifestVersion: schema }
  return `# yaml-language-server: $schema=https://aka.ms/winget-manifest.${type}.${schema}.schema.json\n\n${stringify(body, { lineWidth: 0 })}`
}
