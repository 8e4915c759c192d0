import { createHash, generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { assembleImage } from '../../../scripts/release/image/assemble.ts'
import { writeLayout } from '../../../scripts/release/image/write-layout.ts'
import { parseSbom } from '../../../src/reports/parse-sbom.ts'
import { parseStatement } from '../../../src/signing/statement.ts'
import { parseSigningKey, publicHalf } from '../../../src/signing/signing-keys.ts'
import { parseBundle } from '../../../src/signing/sigstore-bundle.ts'
import { signersOf } from '../../../src/signing/dsse.ts'
import { listLayout } from '../../support/layouts.ts'
import { imageInputs, writeImage } from '../../support/release/fake-image.ts'

interface Described {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: unknown
}

interface Manifest {
  readonly mediaType: string
  readonly manifests: readonly Described[]
  readonly config: Described
  readonly layers: readonly Described[]
  readonly annotations: Readonly<Record<string, string>>
}

interface Config {
  readonly config: Readonly<Record<string, unknown>>
}

function read(folder: string, digest: string): Buffer {
  return readFileSync(join(folder, 'blobs', ...digest.split(':')))
}

function readManifest(folder: string, digest: string): Manifest {
  return JSON.parse(read(folder, digest).toString('utf8')) as Manifest
}

function readConfig(folder: string, digest: string): Config {
  return JSON.parse(read(folder, digest).toString('utf8')) as Config
}

function filesOf(folder: string): Readonly<Record<string, string>> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [path.slice(folder.length + 1), createHash('sha256').update(readFileSync(path)).digest('hex')]
    }),
  )
}

describe('the image', () => {
  it('is an index of linux/amd64 and linux/arm64 under the tag of its version', async () => {
    const { folder, root } = await writeImage()
    expect(listLayout(folder)['1.4.0']).toBe(root)
    const index = readManifest(folder, root)
    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json')
    expect(index.manifests.map(({ platform }) => platform)).toEqual([
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64' },
    ])
  })

  it('has configs with the digests of their layers, the user, the entrypoint and no volume', async () => {
    const { folder, root } = await writeImage()
    for (const { digest } of readManifest(folder, root).manifests) {
      const { config, layers } = readManifest(folder, digest)
      expect(layers.map(({ mediaType }) => mediaType)).toEqual(
        Array(2).fill('application/vnd.oci.image.layer.v1.tar+gzip'),
      )
      const diffIds = layers.map((layer) => {
        const hash = createHash('sha256').update(gunzipSync(read(folder, layer.digest)))
        return `sha256:${hash.digest('hex')}`
      })
      const content = readConfig(folder, config.digest)
      expect(content).toMatchObject({
        os: 'linux',
        created: '2025-11-28T12:00:00Z',
        config: {
          User: '65532:65532',
          Entrypoint: ['/usr/bin/dray-entrypoint'],
          WorkingDir: '/home/dray',
          Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/home/dray'],
        },
        rootfs: { type: 'layers', diff_ids: diffIds },
      })
      expect(Object.keys(content.config).sort()).toEqual([
        'Entrypoint',
        'Env',
        'Labels',
        'User',
        'WorkingDir',
      ])
    }
  })

  it('has the same labels in its configs, manifests and index', async () => {
    const { folder, root } = await writeImage()
    const index = readManifest(folder, root)
    const expected = {
      'org.opencontainers.image.title': 'dray',
      'org.opencontainers.image.version': '1.4.0',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.created': '2025-11-28T12:00:00Z',
      'org.opencontainers.image.revision': 'a'.repeat(40),
    }
    expect(index.annotations).toMatchObject(expected)
    for (const { digest } of index.manifests) {
      const { annotations, config } = readManifest(folder, digest)
      expect(annotations).toEqual(index.annotations)
      const { Labels: labels } = readConfig(folder, config.digest).config
      expect(labels).toEqual(index.annotations)
    }
  })

  it('has the same files when it is built again in another folder', async () => {
    const [first, second] = [await writeImage(), await writeImage()]
    expect(filesOf(second.folder)).toEqual(filesOf(first.folder))
    expect(Object.keys(filesOf(first.folder)).length).toBe(2 + 2 * 4 + 1 + 12)
  })

  it('replaces the image of an earlier build', async () => {
    const { folder, root } = await writeImage()
    const { image, attachments } = assembleImage(imageInputs({ date: 0 }))
    await writeLayout(folder, image, attachments, '1.4.1')
    expect(readdirSync(join(folder, 'blobs', 'sha256'))).not.toContain(root.slice(7))
    expect(Object.keys(listLayout(folder))).toContain('1.4.1')
    expect(Object.keys(listLayout(folder))).not.toContain('1.4.0')
  })
})

describe('the attached artifacts', () => {
  it('are an SBOM and the provenance of each platform and of the index', () => {
    const { image, attachments } = assembleImage(imageInputs())
    const subjects = [...image.images.map(({ manifest }) => manifest), image.index].map(
      ({ descriptor }) => descriptor.digest,
    )
    const found = attachments.map(({ manifest, blob }) => {
      const { subject } = JSON.parse(Buffer.from(manifest.bytes).toString()) as { subject: Described }
      const statement = parseStatement(blob.bytes, 'statement')
      expect(statement.subjects).toEqual([subject.digest])
      expect(manifest.descriptor.annotations?.['in-toto.io/predicate-type']).toBe(statement.predicateType)
      return [subject.digest, statement.predicateType]
    })
    const expected = subjects.flatMap((digest) => [
      [digest, 'https://cyclonedx.org/bom'],
      [digest, 'https://slsa.dev/provenance/v1'],
    ])
    expect(found).toEqual(expected)
  })

  it('list dray, its bundled packages, the packages of Debian and the runtime in an SBOM', () => {
    const { image, attachments } = assembleImage(imageInputs())
    const statement = parseStatement(attachments[0]?.blob.bytes ?? Buffer.from(''), 'statement')
    const sbom = parseSbom(statement.predicate)
    expect(sbom.describes).toContain(image.images[0]?.manifest.descriptor.digest)
    expect(sbom.components.map(({ name, version }) => `${name} ${version}`).sort()).toEqual([
      '@acme/a 1.0.0',
      'b 2.0.0',
      'base-files 1:2.0+b1',
      'bun 1.4.5',
      'busybox-static 1:2.0+b1',
      'ca-certificates 1:2.0+b1',
      'debian 13',
      'dray 1.4.0',
      'libc6 1:2.0+b1',
    ])
    const libc = sbom.components.find(({ name }) => name === 'libc6')
    expect(libc?.purl).toBe(
      'pkg:deb/debian/libc6@1%3A2.0%2Bb1?arch=amd64&distro=debian-13&upstream=glibc%401%3A2.0',
    )
  })

  it('name the commit and the digests of the packages and binaries in the provenance', () => {
    const { attachments } = assembleImage(imageInputs())
    const { predicate } = parseStatement(attachments.at(-1)?.blob.bytes ?? Buffer.from(''), 'statement')
    const { resolvedDependencies } = predicate['buildDefinition'] as {
      resolvedDependencies: readonly { name: string; digest: unknown }[]
    }
    expect(resolvedDependencies[0]).toMatchObject({ digest: { gitCommit: 'a'.repeat(40) } })
    expect(resolvedDependencies.map(({ name }) => name).slice(1, 4)).toEqual([
      'dray for linux/amd64',
      'dray for linux/arm64',
      'base-files 1:2.0+b1',
    ])
  })
})

it('the attached artifacts are signed with a key', () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const key = parseSigningKey(pem, 'key')
  const publicKey = publicHalf(key)
  const { attachments } = assembleImage(imageInputs({ key }))
  const bundles = attachments.map(({ blob }) => parseBundle(blob.bytes, 'bundle'))
  expect(bundles).toHaveLength(6)
  for (const { envelope } of bundles) {
    expect(signersOf(envelope, [publicKey])).toEqual([publicKey])
    expect(parseStatement(envelope.payload, 'statement').subjects).toHaveLength(1)
  }
})
