import { fileOf, type ReleaseFacts } from './release-files.ts'

const archive = 'dray-windows-x64.zip'

/** The manifest for a Scoop bucket (https://github.com/ScoopInstaller/Scoop/wiki/App-Manifests). */
export function scoopManifest(facts: ReleaseFacts): string {
  const { url, sha256 } = fileOf(archive, facts)
  const { repository, releases } = facts.project
  const manifest = {
    version: facts.version,
    description: facts.description,
    homepage: repository,
    license: 'Apache-2.0',
    architecture: { '64bit': { url, hash: sha256 } },
    bin: 'dray.exe',
    checkver: { github: repository },
    autoupdate: {
      architecture: { '64bit': { url: `${releases}/download/v$version/${archive}` } },
      hash: { url: '$baseurl/checksums.txt' },
    },
  }
  return `${JSON.stringify(manifest, null, 4)}\n`
}
