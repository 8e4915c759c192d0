import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Content, together } from '../images.ts'
import { parseFixture } from './fixture-format.ts'

/** Files that the real cosign made: see `scripts/fixtures/signatures.ts`. */
const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'signatures')

/** The identity of the keyless fixtures. */
export const fixtureIdentity = {
  issuer: 'https://token.actions.githubusercontent.com',
  subject: 'https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1.4.2',
} as const

/** The path of a fixture, such as `build.pub`, `ed25519.pub` or `trusted_root.json`. */
export function fixturePath(file: string): string {
  return join(folder, file)
}

/** The index of amd64 and arm64 that the fixtures are about, without attached artifacts. */
export function fixtureImage(): Content {
  return load('image')
}

/**
 * What cosign attached to that index or its platforms, without the image: `key-new-signed`,
 * `keyless-old-vuln-arm64`. The names are those of the files.
 */
export function fixtureEvidence(name: string): Content {
  return load(name)
}

/** The image with what cosign attached in each of these fixtures. */
export function fixtureWith(...names: readonly string[]): Content {
  return together(load('image'), ...names.map(load))
}

/** The digest of the fixtures' image for `linux/ARCHITECTURE`. */
export function fixturePlatform(architecture: 'amd64' | 'arm64'): string {
  const body = JSON.parse(Buffer.from(load('image').manifests.at(-1)?.bytes ?? '').toString()) as {
    manifests: { digest: string; platform: { architecture: string } }[]
  }
  const found = body.manifests.find(({ platform }) => platform.architecture === architecture)
  if (found === undefined) throw new Error(`the fixtures have no image for ${architecture}`)
  return found.digest
}

function load(name: string): Content {
  return parseFixture(readFileSync(fixturePath(`${name}.json`), 'utf8'))
}
