import { expect, it } from 'vitest'
import { startGuardedRegistry, workplaceWithLogin, secret } from '../support/guarded-registry.ts'

const retention = `retention:
  rules:
    - name: all
      repositories: ["@staging/api"]
      tags: ["*"]
      olderThan: 1m
`
const read = 'repository:staging/api:pull'

it.each([
  ['ls', ['ls', '@staging/api'], [read]],
  ['inspect', ['inspect', '@staging/api:1.4.2'], [read]],
  ['status', ['status', 'api'], ['repository:staging/api:pull repository:prod/api:pull']],
  ['diff', ['diff', 'staging', 'prod', 'api'], undefined],
  ['history', ['history', 'api'], undefined],
  ['explain', ['explain', '@staging/api:1.4.2'], [read]],
  ['prune, without --apply', ['prune', '@staging/api'], [read]],
  [
    'promote --dry-run',
    ['promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--dry-run'],
    ['repository:prod/api:pull repository:staging/api:pull'],
  ],
])('%s requests only the permission to pull', async (_, args, expected) => {
  const registry = await startGuardedRegistry({ scheme: 'bearer' })
  const project = await workplaceWithLogin(registry.name, secret, retention)
  expect((await project.run(...args)).code).toBeLessThanOrEqual(4)
  const scopes = registry.scopes()
  expect(scopes.length).toBeGreaterThan(0)
  expect(scopes.join(' ')).not.toMatch(/push|delete|\*/)
  expect(scopes).toEqual(expected ?? scopes)
})

it.each([
  [
    'promote',
    ['promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--yes'],
    ['repository:prod/api:pull,push repository:staging/api:pull'],
  ],
  [
    'copy',
    ['copy', '@staging/api:1.4.2', '@prod/other:1.0.0', '--yes'],
    ['repository:prod/other:pull,push repository:staging/api:pull'],
  ],
  ['tag', ['tag', '@staging/api:1.4.2', '1.5.0', '--yes'], ['repository:staging/api:pull,push']],
])('%s requests the permission to push only for its destination', async (_, args, expected) => {
  const registry = await startGuardedRegistry({ scheme: 'bearer' })
  const project = await workplaceWithLogin(registry.name, secret)
  expect(await project.run(...args)).toMatchObject({ code: 0 })
  expect(registry.scopes()).toEqual(expected)
})

it('prune --apply requests the permission to delete just before it deletes', async () => {
  const registry = await startGuardedRegistry({ scheme: 'bearer' })
  const project = await workplaceWithLogin(registry.name, secret, retention)
  expect(await project.run('prune', '@staging/api', '--apply', '--yes')).toMatchObject({ code: 0 })
  expect(registry.scopes()).toEqual([read, 'repository:staging/api:pull,delete'])
})
