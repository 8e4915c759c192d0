import { describe, expect, it } from 'vitest'
import { parseNodeSelector, parseToleration, prepullOptions } from '../../../src/cli/kubernetes/pod-flags.ts'
import { outcomeOf } from '../../support/error-code.ts'

type Flags = Parameters<typeof prepullOptions>[0]

const flags: Flags = {
  env: undefined,
  name: undefined,
  namespace: undefined,
  'pull-secret': undefined,
  'node-selector': undefined,
  toleration: undefined,
  'init-containers': false,
  'pause-image': 'registry.k8s.io/pause:3.10',
  'busybox-image': undefined,
}

describe('a node selector', () => {
  it('has labels as kubectl writes them', () => {
    expect(parseNodeSelector(['pool=apps,zone=', 'kubernetes.io/os=linux'])).toEqual({
      'kubernetes.io/os': 'linux',
      pool: 'apps',
      zone: '',
    })
  })

  it.each([['pool'], ['=a'], ['a b=c'], ['a=b c'], ['a==b'], ['a=b,'], ['A.b/c/d=e'], ['a=1', 'a=2']])(
    'is not %j',
    (...texts) => {
      expect(outcomeOf(() => parseNodeSelector(texts))).toBe('usage')
    },
  )
})

describe('a toleration', () => {
  it.each([
    ['*', {}],
    ['gpu', { key: 'gpu' }],
    ['dedicated=apps', { key: 'dedicated', value: 'apps' }],
    ['dedicated=apps:NoSchedule', { key: 'dedicated', value: 'apps', effect: 'NoSchedule' }],
    ['example.com/gpu:NoExecute', { key: 'example.com/gpu', effect: 'NoExecute' }],
    ['a=:PreferNoSchedule', { key: 'a', value: '', effect: 'PreferNoSchedule' }],
  ])('is %s', (text, expected) => {
    expect(parseToleration(text)).toEqual(expected)
  })

  it.each(['', '=a', ':NoSchedule', 'a:', 'a:noschedule', 'a=b:c:NoSchedule', 'a b', '**'])(
    'is not %j',
    (text) => {
      expect(outcomeOf(() => parseToleration(text))).toBe('usage')
    },
  )
})

describe('the flags of prepull', () => {
  it('name the DaemonSets after the environment', () => {
    expect(prepullOptions(flags).name).toBe('dray-prepull')
    expect(prepullOptions({ ...flags, env: 'prod' }).name).toBe('dray-prepull-prod')
    expect(prepullOptions({ ...flags, env: '@prod' }).name).toBe('dray-prepull-prod')
    expect(prepullOptions({ ...flags, env: 'Prod_EU' }).name).toMatch(/^dray-prepull-prod-eu-[0-9a-f]{6}$/)
  })

  it('keep a place for the numbers of DaemonSets', () => {
    expect(prepullOptions({ ...flags, name: 'a'.repeat(58) }).name).toHaveLength(58)
    expect(outcomeOf(() => prepullOptions({ ...flags, name: 'a'.repeat(59) }))).toBe('usage')
  })

  it('have whole references', () => {
    const given = { ...flags, 'init-containers': true, 'pause-image': 'pause:3', 'busybox-image': 'team/box' }
    expect(prepullOptions(given)).toMatchObject({
      pauseImage: 'docker.io/library/pause:3',
      busyboxImage: 'docker.io/team/box',
    })
    expect(prepullOptions(flags)).not.toHaveProperty('busyboxImage')
  })

  it.each([
    { name: 'A' },
    { namespace: 'a.b' },
    { 'pull-secret': ['a b'] },
    { 'pause-image': 'https://x' },
    { 'init-containers': true, 'busybox-image': '' },
  ])('are refused if Kubernetes would refuse the output: %j', (over) => {
    expect(outcomeOf(() => prepullOptions({ ...flags, ...over }))).toBe('usage')
  })
})
