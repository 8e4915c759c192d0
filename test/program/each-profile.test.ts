import { expect, it } from 'vitest'
import { describeEachRegistry } from '../support/each-registry.ts'
import { image, index, referrer, together } from '../support/images.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'
import { configOf } from '../support/world.ts'

const retention = { rules: [{ name: 'old', repositories: ['@dev/**'], tags: ['pr-*'], olderThan: '14d' }] }
const old = { annotations: { 'org.opencontainers.image.created': '2020-01-01T00:00:00Z' } }

describeEachRegistry(
  'every command works',
  (registryOf) => {
    it('from a promotion to a prune', { timeout: 60_000 }, async () => {
      const { host, oracle } = registryOf()
      const config = { ...(JSON.parse(configOf(host)) as object), images: { api: {} }, retention }
      const project = await warmWorkplace(JSON.stringify(config))
      const release = index(['linux/amd64', 'linux/arm64'], { label: 'release' })
      const whole = together(release, referrer(release))
      await oracle.push(whole, 'staging/api', '1.4.2')
      await oracle.push(image({ label: 'stale', ...old }), 'dev/api', 'pr-1')
      await oracle.push(image({ label: 'current' }), 'dev/api', 'main')
      const succeeds = async (...args: readonly string[]): Promise<string> => {
        const { code, stdout, stderr } = await project.run(...args)
        expect(code, `dray ${args.join(' ')}: ${stdout}${stderr}`).toBe(0)
        return stdout
      }

      expect(await succeeds('doctor', host)).toContain(host)
      await succeeds(...toProd('api:1.4.2'))
      expect(await oracle.differences('prod/api', whole, '1.4.2')).toEqual([])
      await succeeds('tag', '@prod/api:1.4.2', '--tags', 'live', '--yes')
      const [listed, status] = await Promise.all([
        succeeds('ls', `${host}/prod/api`),
        succeeds('status', 'api'),
        succeeds('history', 'api:1.4.2'),
        succeeds('prune', `${host}/dev/api`, '--apply', '--yes'),
      ])
      expect(listed).toMatch(/1\.4\.2[\s\S]*live/)
      expect(status).toContain('1.4.2')
      expect(await oracle.digest('dev/api', 'pr-1')).toBeUndefined()
      expect(await oracle.digest('dev/api', 'main')).toBeDefined()
    })
  },
  ['zot-2.1', 'olareg-0.2', 'distribution-3'],
)
