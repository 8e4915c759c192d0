import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseDescriptor } from '../../src/oci/descriptor.ts'
import { parseManifest } from '../../src/oci/manifest.ts'
import { Copier } from '../../src/images/copy.ts'
import { dockerRegistry, startDockerRegistry } from '../support/docker-registry.ts'
import { type Content, image, referrer, together } from '../support/images.ts'
import { writeLayout } from '../support/layouts.ts'
import { Oracle } from '../support/oracle.ts'
import { warmDray } from '../support/program.ts'
import { bench } from '../support/promotion.ts'
import { tempFolder } from '../support/temp.ts'
import { startRegistry } from '../../src/embedded/server.ts'

const subject = image({ label: 'subject' })
const evidence = (count: number, of = ''): Content[] =>
  Array.from({ length: count }, (_, i) => referrer(subject, { payload: `evidence ${of} ${i}` }))
const digestsOf = (contents: readonly Content[]): string[] => contents.map(({ root }) => root.digest).sort()

async function startHost(kind: 'docker-registry' | 'embedded'): Promise<string> {
  if (kind === 'embedded') {
    const running = await startRegistry({ profile: 'docker-registry-2.8' })
    onTestFinished(() => running.close())
    return running.registry
  }
  const running = await startDockerRegistry()
  onTestFinished(() => running.stop())
  return running.host
}

describe.each(['docker-registry', 'embedded'] as const)(
  'concurrent referrers of one subject at %s',
  (kind) => {
    const isAvailable = kind === 'embedded' || dockerRegistry.available

    it.skipIf(!isAvailable)('are all listed if one process pushes 50 of them', async () => {
      const host = await startHost(kind)
      const oracle = new Oracle(host)
      const all = evidence(50)
      await oracle.push(subject, 'team/api', '1.4.2')
      for (const { blobs } of all)
        for (const [digest, bytes] of blobs) await oracle.pushBlob('team/api', digest, bytes)
      await using run = await bench()
      const store = run.stores.target({ registry: host, path: 'team/api' })
      const copier = new Copier()
      const unlisted = await Promise.all(
        all.map(({ root, manifests }) => {
          const bytes = manifests[0]?.bytes ?? new Uint8Array()
          const descriptor = parseDescriptor(root, 'the referrer')
          const manifest = parseManifest(bytes, descriptor.mediaType, descriptor.digest)
          return copier.putManifest(store, { descriptor, manifest, bytes }, [], run.call)
        }),
      )
      const entries = unlisted.flatMap((one) => one?.entry ?? [])
      await store.addToFallbackTag(parseDescriptor(subject.root, 'the subject').digest, entries, run.call)
      expect(entries).toHaveLength(all.length)
      expect(await oracle.referrers('team/api', subject.root.digest)).toEqual(digestsOf(all))
    })

    it.skipIf(!isAvailable)('are all listed if eight processes copy them', async () => {
      const host = await startHost(kind)
      const folder = await tempFolder()
      const parts = Array.from({ length: 8 }, (_, process) => evidence(7, String(process)))
      parts.forEach((part, i) => writeLayout(join(folder, String(i)), together(subject, ...part), '1.4.2'))
      const ended = await Promise.all(
        parts.map((_, i) =>
          warmDray(['copy', `oci:${join(folder, String(i))}:1.4.2`, `${host}/team/api:1.4.2`, '--yes'], {
            env: { XDG_STATE_HOME: join(folder, 'state') },
          }),
        ),
      )
      expect(ended.map(({ code, stderr }) => (code === 0 ? '' : stderr))).toEqual(parts.map(() => ''))
      const oracle = new Oracle(host)
      expect(await oracle.referrers('team/api', subject.root.digest)).toEqual(digestsOf(parts.flat()))
    })

    it.skipIf(!isAvailable)('are all listed if six processes copy them that share no folder', async () => {
      const host = await startHost(kind)
      const folder = await tempFolder()
      const parts = Array.from({ length: 6 }, (_, process) => evidence(3, String(process)))
      parts.forEach((part, i) => writeLayout(join(folder, String(i)), together(subject, ...part), '1.4.2'))
      const ended = await Promise.all(
        parts.map(async (_, i) => {
          const home = await tempFolder()
          const env = { HOME: home, XDG_STATE_HOME: home, XDG_RUNTIME_DIR: home, TMPDIR: home }
          const source = `oci:${join(folder, String(i))}:1.4.2`
          return await warmDray(['copy', source, `${host}/team/api:1.4.2`, '--yes'], { env })
        }),
      )
      expect(ended.map(({ code, stderr }) => (code === 0 ? '' : stderr))).toEqual(parts.map(() => ''))
      const oracle = new Oracle(host)
      expect(await oracle.referrers('team/api', subject.root.digest)).toEqual(digestsOf(parts.flat()))
    })
  },
)
