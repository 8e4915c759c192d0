import { describe, expect, it } from 'vitest'
import { checkRequests } from '../../../src/cli/arguments/check-requests.ts'
import { gatesAt } from '../../../src/config/gates/gates-at.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { formatRepository } from '../../../src/oci/reference.ts'
import type { CheckRequest } from '../../../src/usecases/check/request.ts'
import { readGatedConfig } from '../../support/gates/read-gated-config.ts'

const { config } = await readGatedConfig(`version: 1
signers:
  build: { keys: [build.pub] }
environments:
  staging: { registry: r.example, path: "staging/{image}" }
  prod:
    promoteFrom: [staging]
    targets:
      - { registry: eu.example, path: "prod/{image}" }
      - { registry: us.example, path: "prod/{image}" }
    gates:
      - { name: signed, signature: { signedBy: [build] } }
  backup:
    registry: us.example
    path: "prod/{image}"
    gates:
      - { name: kept, signature: { signedBy: [build] } }
images:
  api: {}
  web: { name: frontend/web }
`)
const digest = digestOf('x')

function requests(references: readonly string[], options: { from?: string; to?: string } = {}) {
  return checkRequests({ references, from: undefined, to: undefined, cwd: '/p', ...options }, config, (to) =>
    gatesAt(config, to),
  )
}

/** `staging r.example/staging/api -> eu.example/prod/api [signed]` */
function shown({ image, at, from, targets }: CheckRequest): string {
  const ends = targets.map(({ to, gates }) => {
    const names = gates.map(({ gate }) => gate.name).join(', ')
    return `${formatRepository(to.repository)} [${names}]`
  })
  const part = at === undefined ? '' : 'tag' in at ? `:${at.tag}` : `@${at.digest}`
  return `${image}: ${from.environment ?? ''} ${formatRepository(from.repository)}${part} -> ${ends.join(', ')}`
}

describe('the arguments of check with --to', () => {
  const targets = 'eu.example/prod/api [signed], us.example/prod/api [signed, kept]'

  it.each<[string, readonly string[], object, string]>([
    [
      'a name, in the only environment of promoteFrom',
      ['api:1.4.2'],
      {},
      'staging r.example/staging/api:1.4.2',
    ],
    ['a name with --from', ['api:1.4.2'], { from: 'backup' }, 'backup us.example/prod/api:1.4.2'],
    ['a digest', [`api@${digest}`], {}, `staging r.example/staging/api@${digest}`],
  ])(
    'are judged for each target, with the gates of all of its environments: %s',
    (_, references, options, from) => {
      const [request, ...more] = requests(references, { to: 'prod', ...options })
      expect(more).toEqual([])
      expect(request && shown(request)).toBe(`${references[0] ?? ''}: ${from} -> ${targets}`)
    },
  )

  it('name the image at the target by its repository', () => {
    const [request] = requests(['r.example/staging/frontend/web:2'], { to: '@prod' })
    expect(request && shown(request)).toContain('eu.example/prod/frontend/web [signed]')
  })

  it('take an image once', () => {
    expect(requests(['api:1', 'api:1', 'api:2'], { to: 'prod' })).toHaveLength(2)
  })

  it('are images of registries', () => {
    expect(() => requests(['oci:folder:1'], { to: 'prod' })).toThrow('requires a repository of a registry')
    expect(() => requests(['@staging'], { to: 'prod' })).toThrow('@staging is an environment, not an image')
    expect(() => requests(['api:1'], { to: 'prd' })).toThrow('there is no environment "prd"')
  })
})

describe('the arguments of check without --to', () => {
  it('are all images of an environment, in each of its targets', () => {
    expect(requests(['@prod']).map(shown)).toEqual([
      'api: prod eu.example/prod/api -> eu.example/prod/api [signed]',
      'api: prod us.example/prod/api -> us.example/prod/api [signed, kept]',
      'web: prod eu.example/prod/frontend/web -> eu.example/prod/frontend/web [signed]',
      'web: prod us.example/prod/frontend/web -> us.example/prod/frontend/web [signed, kept]',
    ])
  })

  it('are one image of an environment, with a tag or with all of them', () => {
    expect(requests(['@backup/api']).map(shown)).toEqual([
      'api: backup us.example/prod/api -> us.example/prod/api [signed, kept]',
    ])
    expect(requests(['@backup/api:1']).map(shown)).toEqual([
      'api:1: backup us.example/prod/api:1 -> us.example/prod/api [signed, kept]',
    ])
  })

  it('are full references, with the gates of the repository', () => {
    const [request] = requests(['us.example/prod/api:1'])
    expect(request && shown(request)).toContain('us.example/prod/api:1 -> us.example/prod/api [signed, kept]')
  })

  it('must be there, and must name their environment', () => {
    expect(() => requests([])).toThrow('an image or an environment is missing')
    expect(() => requests(['api:1'])).toThrow('the environment of "api:1" is missing')
    expect(() => requests(['@nowhere'])).toThrow('there is no environment "nowhere"')
  })
})
