import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf } from '../../../../src/oci/digest.ts'
import { architectures } from '../debian/pins.ts'
import { entrypoint } from '../dray-layer.ts'
import { expectEqual, type ImageUnderTest, run } from './programs.ts'

interface ImageConfig {
  readonly architecture: string
  readonly config: Readonly<Record<string, unknown>>
}

interface LayoutIndex {
  readonly manifests: readonly { readonly digest: string }[]
}

/** Reads the image with skopeo: its settings, and the digest of a copy of all platforms. */
export function checkSettings({ layout, tag, folder }: ImageUnderTest): void {
  const source = `oci:${layout}:${tag}`
  for (const architecture of architectures) {
    const text = run(
      'skopeo',
      '--override-os',
      'linux',
      '--override-arch',
      architecture,
      'inspect',
      '--config',
      source,
    )
    const { config, architecture: found } = JSON.parse(text) as ImageConfig
    expectEqual('the architecture', found, architecture)
    expectEqual('Entrypoint', config['Entrypoint'], [entrypoint])
    // Kubernetes verifies `runAsNonRoot` only for a number.
    if (!/^[1-9]\d*:[1-9]\d*$/.test(String(config['User'])))
      throw new Error(`User is ${JSON.stringify(config['User'])}, not numbers of a user and group`)
  }
  const copy = join(folder, 'copy')
  run(
    'skopeo',
    'copy',
    '-q',
    '--insecure-policy',
    '--all',
    '--preserve-digests',
    source,
    `oci:${copy}:${tag}`,
  )
  const index = JSON.parse(readFileSync(join(copy, 'index.json'), 'utf8')) as LayoutIndex
  const raw = run('skopeo', 'inspect', '--raw', source)
  expectEqual('the digest of the copy', index.manifests[0]?.digest, digestOf(raw))
}
