import { execFile, spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { folderStorage } from '../../src/embedded/storage/folder-storage.ts'
import type { AccessOptions } from '../../src/embedded/access/permissions.ts'
import { digestOf, encodedOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { indexOf, started } from './http.ts'
import { tempFolder } from './storage/storages.ts'

const isHere = spawnSync('skopeo', ['--version']).status === 0
const run = promisify(execFile)

async function skopeo(...args: string[]): Promise<string> {
  return (await run('skopeo', args)).stdout
}

/** An OCI layout on disk with an image for two platforms under the tag `1`. */
async function layoutOfTwo(folder: string) {
  const blobs = join(folder, 'blobs', 'sha256')
  await mkdir(blobs, { recursive: true })
  const put = async (mediaType: string, content: Uint8Array | string) => {
    const bytes = Buffer.from(content)
    const digest = digestOf(bytes)
    await writeFile(join(blobs, encodedOf(digest)), bytes)
    return { mediaType, digest, size: bytes.byteLength }
  }
  const children = []
  for (const architecture of ['amd64', 'arm64']) {
    const tar = Buffer.alloc(10_240)
    tar.write(architecture, 512)
    const layer = await put('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar))
    const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] }
    const config = await put(mediaTypes.config, JSON.stringify({ architecture, os: 'linux', rootfs }))
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] }
    const child = await put(mediaTypes.manifest, JSON.stringify(manifest))
    children.push({ ...child, platform: { architecture, os: 'linux' } })
  }
  const root = await put(mediaTypes.index, JSON.stringify(indexOf(children)))
  const annotations = { 'org.opencontainers.image.ref.name': '1' }
  await writeFile(join(folder, 'index.json'), JSON.stringify(indexOf([{ ...root, annotations }])))
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  return root
}

describe.skipIf(!isHere)(`skopeo${isHere ? '' : ' (skipped: skopeo is not installed)'}`, () => {
  it.each(['oci-1.1', 'docker-registry-2.8', 'zot-2.1'] as const)(
    'pushes an image of two platforms to %s, copies it there and pulls it with the same digest',
    async (profile) => {
      const folder = await tempFolder()
      const root = await layoutOfTwo(join(folder, 'in'))
      const storage = await folderStorage(join(folder, 'registry'))
      const { registry, log } = await started({ profile, storage })
      const from = `docker://${registry}/dev/api:1`
      const to = `docker://${registry}/prod/team/api:1`
      const plain = ['--src-tls-verify=false', '--dest-tls-verify=false']
      await skopeo('copy', '-q', '--all', '--dest-tls-verify=false', `oci:${folder}/in:1`, from)
      await skopeo('copy', '-q', '--all', ...plain, from, to)
      await skopeo('copy', '-q', '--all', '--src-tls-verify=false', to, `oci:${folder}/out:1`)

      const raw = await skopeo('inspect', '--raw', '--tls-verify=false', to)
      expect(digestOf(raw)).toBe(root.digest)
      const out = JSON.parse(await readFile(join(folder, 'out', 'index.json'), 'utf8')) as object
      expect(out).toMatchObject({ manifests: [{ digest: root.digest }] })
      const tags = await skopeo('list-tags', '--tls-verify=false', `docker://${registry}/prod/team/api`)
      expect(JSON.parse(tags)).toMatchObject({ Tags: ['1'] })
      expect(log.some(({ query, status }) => query.has('mount') && status === 201)).toBe(true)
      expect(log.filter(({ status }) => status >= 500)).toEqual([])
    },
  )

  it.each(['basic', 'bearer'] as const)('authenticates by %s', async (scheme) => {
    const folder = await tempFolder()
    await layoutOfTwo(join(folder, 'in'))
    const auth: AccessOptions = { scheme, users: { ada: 'secret' } }
    const { registry, log } = await started({ auth })
    const at = `docker://${registry}/team/api:1`
    const source = `oci:${folder}/in:1`
    const copy = ['copy', '-q', '--all', '--dest-tls-verify=false']
    const refused = /unauthorized|authentication|denied|invalid username/
    await expect(skopeo(...copy, source, at)).rejects.toThrow(refused)
    await expect(skopeo(...copy, '--dest-creds', 'ada:wrong', source, at)).rejects.toThrow(refused)
    await skopeo(...copy, '--dest-creds', 'ada:secret', source, at)
    await skopeo('delete', '--tls-verify=false', '--creds', 'ada:secret', at)
    expect(log.at(-1)).toMatchObject({ method: 'DELETE', status: 202, user: 'ada' })
  })
})
