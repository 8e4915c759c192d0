import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { dockerRegistry } from '../support/docker-registry.ts'
import { image } from '../support/images.ts'
import { notificationToken, notifyingRegistry } from '../support/watch/notifying-registry.ts'
import { workplace } from '../support/workplace.ts'
import { configOf } from '../support/world.ts'

const tags = ['1.4.2', 'latest']

/** A project whose rule promotes versions of staging to prod. */
function watchConfig(host: string): string {
  const source = { name: 'registry', kind: 'distribution', registry: host, secretEnv: 'NOTIFICATION_TOKEN' }
  const rule = { on: '@staging/*', tags: { semver: '>=1' }, do: 'promote', to: 'prod' }
  const watch = { listen: '127.0.0.1:0', sources: [source], rules: [rule] }
  return JSON.stringify({ ...(JSON.parse(configOf(host, [host])) as object), watch })
}

interface LoggedRecord {
  readonly run: string
  readonly actor: { readonly says?: string }
}

describe.skipIf(!dockerRegistry.available)(
  `dray watch and notifications of docker-registry 2.8${dockerRegistry.note}`,
  () => {
    it('runs a rule once for a push of many requests, and not for its own promotion', async () => {
      await using notifying = await notifyingRegistry()
      const { oracle, registry } = notifying
      const project = await workplace(watchConfig(registry.host), { NOTIFICATION_TOKEN: notificationToken })
      const running = project.start('watch')
      const listening = /Listening on (\S+)\. /
      const [, address = ''] = listening.exec(await running.seen(listening, 'stderr')) ?? []
      notifying.forwardTo(`${address}/registry`)

      const promoted = notifying.pushTo('prod/api')
      const content = image({ label: 'api', layers: 3 })
      await oracle.push(content, 'staging/api', ...tags)
      const pushed = await notifying.received()
      // Blobs and manifests by digest are no events.
      expect(pushed.map(({ status }) => status)).toEqual([...Array<number>(5).fill(200), 202, 202])
      await promoted
      const own = await notifying.received()
      expect(own.map(({ status }) => status)).toContain(202)
      running.child.kill('SIGTERM')
      expect(await running.ended).toBe(0)
      // Ignored: the tag that is no version, the two ends of `received`, and the own promotion.
      expect(await running.seen(/^Events/m)).toContain('Events: 1 queued, 4 ignored. Runs: 1 changed.')

      expect(await oracle.tags('prod/api')).toEqual(['1.4.2'])
      expect(await oracle.differences('prod/api', content, '1.4.2')).toEqual([])
      const records = readFileSync(project.auditFile, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as LoggedRecord)
      expect(new Set(records.map(({ run }) => run)).size).toBe(1)
      expect(new Set(records.map(({ actor }) => actor.says))).toEqual(new Set(['watch:registry']))
    })
  },
)
