import { describe, expect, it } from 'vitest'
import {
  decideSketch,
  fallbackOf,
  globs,
  digestNamed,
  protection,
  range,
  regex,
  rule,
  type RepositorySketch,
} from '../../support/repository-graphs.ts'

const old = rule('old', { tags: globs('pr-*', 'nightly-*'), days: 14 })
const all = rule('all', { tags: globs('pr-*') })

describe('a tag', () => {
  it('is deleted with its manifest if a rule selects it and nothing keeps it', () => {
    const { deleted, tag } = decideSketch(
      { tags: { 'pr-1': 'a' }, manifests: { a: { age: 20 } } },
      { rules: [old] },
    )
    expect(deleted).toEqual(['a'])
    expect(tag('pr-1')).toMatchObject({ verdict: 'delete', why: { kind: 'rule', by: 'old' } })
  })

  it('is kept if no rule selects it', () => {
    const { deleted, tag } = decideSketch(
      { tags: { main: 'a' }, manifests: { a: { age: 20 } } },
      { rules: [old] },
    )
    expect(deleted).toEqual([])
    expect(tag('main')).toMatchObject({ verdict: 'keep', why: { kind: 'unmatched' } })
  })

  it('is decided by the first rule that selects it', () => {
    const younger = rule('young', { tags: globs('*'), days: 30 })
    const { tag } = decideSketch(
      { tags: { 'pr-1': 'a' }, manifests: { a: { age: 20 } } },
      { rules: [younger, old] },
    )
    expect(tag('pr-1')).toMatchObject({ verdict: 'keep', why: { kind: 'kept', by: 'young' } })
    const { tag: other } = decideSketch(
      { tags: { 'pr-1': 'a' }, manifests: { a: { age: 20 } } },
      { rules: [old, younger] },
    )
    expect(other('pr-1')).toMatchObject({ verdict: 'delete', why: { kind: 'rule', by: 'old' } })
  })

  it('is kept if it is listed without a manifest', () => {
    const { tag } = decideSketch({ tags: { 'pr-1': null }, manifests: {} }, { rules: [all] })
    expect(tag('pr-1')).toMatchObject({ verdict: 'keep', why: { kind: 'dangling' } })
  })
})

describe('age', () => {
  it.each([
    ['exactly as old as olderThan', 14, 'keep'],
    ['a little older', 14.001, 'delete'],
    ['younger', 3, 'keep'],
    ['made in 1970', '1970-01-01T00:00:00Z', 'keep'],
    ['made in the year 1', '0001-01-01T00:00:00Z', 'keep'],
    ['made at the end of 2012', '2012-12-31T23:59:59Z', 'keep'],
    ['made in the future', '2031-01-01T00:00:00Z', 'keep'],
    ['without a time', undefined, 'keep'],
    ['with a text for a time', 'yesterday', 'keep'],
  ])('of an image %s', (_, age, verdict) => {
    const { tag } = decideSketch(
      { tags: { 'pr-1': 'a' }, manifests: { a: age === undefined ? {} : { age } } },
      { rules: [old] },
    )
    expect(tag('pr-1').verdict).toBe(verdict)
  })

  it('comes from the config if there is no annotation', () => {
    const { deleted } = decideSketch(
      { tags: { 'pr-1': 'a', 'pr-2': 'b' }, manifests: { a: { configAge: 20 }, b: { configAge: 2 } } },
      { rules: [old] },
    )
    expect(deleted).toEqual(['a'])
  })

  it('does not come from the config if the annotation is not plausible', () => {
    const { deleted } = decideSketch(
      { tags: { 'pr-1': 'a' }, manifests: { a: { age: '1970-01-01T00:00:00Z', configAge: 20 } } },
      { rules: [old] },
    )
    expect(deleted).toEqual([])
  })

  it('of an index is that of its newest image; attestations do not count', () => {
    const sketch = (arm: number): RepositorySketch => ({
      tags: { 'pr-1': 'index' },
      manifests: {
        index: { children: ['amd64', 'arm64', 'att'] },
        amd64: { configAge: 30 },
        arm64: { configAge: arm },
        att: { configAge: 1 },
      },
    })
    expect(decideSketch(sketch(20), { rules: [old] }).deleted.toSorted()).toEqual([
      'amd64',
      'arm64',
      'att',
      'index',
    ])
    expect(decideSketch(sketch(2), { rules: [old] }).deleted).toEqual([])
  })

  it('of an index is unknown if one of its images has no time', () => {
    const { tag } = decideSketch(
      {
        tags: { 'pr-1': 'index' },
        manifests: { index: { children: ['amd64', 'arm64'] }, amd64: { configAge: 30 }, arm64: {} },
      },
      { rules: [old] },
    )
    expect(tag('pr-1')).toMatchObject({ verdict: 'keep', why: { kind: 'undated' } })
  })

  it('is not needed by a rule without a condition on time', () => {
    expect(decideSketch({ tags: { 'pr-1': 'a' }, manifests: { a: {} } }, { rules: [all] }).deleted).toEqual([
      'a',
    ])
  })
})

describe('keepNewest', () => {
  const keep = (count: number, rest = {}): ReturnType<typeof rule> =>
    rule('newest', { tags: globs('pr-*'), keepNewest: count, ...rest })

  it('counts digests: ten tags on one digest take one slot', () => {
    const tags = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`pr-${i}`, 'a']))
    const { deleted } = decideSketch(
      {
        tags: { ...tags, 'pr-b': 'b', 'pr-c': 'c', 'pr-d': 'd' },
        manifests: { a: { age: 1 }, b: { age: 2 }, c: { age: 3 }, d: { age: 4 } },
      },
      { rules: [keep(3)] },
    )
    expect(deleted).toEqual(['d'])
  })

  it('keeps ties', () => {
    const { deleted } = decideSketch(
      {
        tags: { 'pr-1': 'a', 'pr-2': 'b', 'pr-3': 'c' },
        manifests: { a: { age: 1 }, b: { age: 2 }, c: { age: 2 } },
      },
      { rules: [keep(2)] },
    )
    expect(deleted).toEqual([])
  })

  it('gives no slot to protected and undated images', () => {
    const { deleted } = decideSketch(
      {
        tags: { 'pr-1': 'a', 'pr-2': 'b', 'pr-3': 'c', 'pr-4': 'd', prod: 'a' },
        manifests: { a: { age: 1 }, b: {}, c: { age: 3 }, d: { age: 4 } },
      },
      { rules: [keep(1)], protect: [protection(globs('prod'))] },
    )
    expect(deleted).toEqual(['d'])
  })

  it('counts in each group, before age', () => {
    const grouped = rule('pr', {
      tags: regex(String.raw`pr-(?<number>\d+)-.*`),
      groupBy: ['number'],
      keepNewest: 1,
      days: 5,
    })
    const { deleted } = decideSketch(
      {
        tags: { 'pr-1-a': 'a', 'pr-1-b': 'b', 'pr-2-a': 'c', 'pr-2-b': 'd', 'pr-2-c': 'e' },
        manifests: { a: { age: 30 }, b: { age: 20 }, c: { age: 30 }, d: { age: 3 }, e: { age: 2 } },
      },
      { rules: [grouped] },
    )
    expect(deleted).toEqual(['a', 'c'])
  })

  it('keeps a tag without the group', () => {
    const byMinor = rule('minor', { tags: globs('*'), groupBy: ['minor'], keepNewest: 1 })
    const { deleted, tag } = decideSketch(
      {
        tags: { '1.4.0': 'a', '1.4.1': 'b', '1.5.0': 'c', main: 'd' },
        manifests: { a: { age: 9 }, b: { age: 8 }, c: { age: 7 }, d: { age: 6 } },
      },
      { rules: [byMinor] },
    )
    expect(deleted).toEqual(['a'])
    expect(tag('main').why.kind).toBe('unparsable')
  })
})

describe('selectors', () => {
  it.each([
    [regex('1.0'), '11.0', false],
    [regex('1.0'), '1.0', true],
    [regex('a|b'), 'a-x', false],
    [globs('pr-?'), 'pr-10', false],
    [globs('a|b'), 'a', false],
    [range('^1.4'), '1.4.2', true],
    [range('^1.4'), '1.5.0-rc.1', false],
    [range('>=1.5.0-rc.1'), '1.5.0-rc.2', false],
    [range('^1.4'), '1.4', false],
  ])('are anchored: case %#', (tags, tag, isSelected) => {
    const { deleted } = decideSketch(
      { tags: { [tag]: 'a' }, manifests: { a: {} } },
      { rules: [rule('r', { tags })] },
    )
    expect(deleted.length).toBe(isSelected ? 1 : 0)
  })
})

describe('a protection', () => {
  it('keeps a digest with all of its tags', () => {
    const { deleted, tag } = decideSketch(
      { tags: { 'pr-1': 'a', prod: 'a' }, manifests: { a: { age: 90 } } },
      { rules: [all], protect: [protection(globs('prod'))] },
    )
    expect(deleted).toEqual([])
    expect(tag('pr-1').why).toMatchObject({ kind: 'protection' })
  })

  it('keeps what it reaches: children, their attached artifacts, and tags on those', () => {
    const { deleted } = decideSketch(
      {
        tags: { prod: 'index', 'pr-1': 'child', 'pr-2': 'sbom' },
        manifests: { index: { children: ['child'] }, child: {}, sbom: { subject: 'child' } },
      },
      { rules: [all], protect: [protection(globs('prod'))] },
    )
    expect(deleted).toEqual([])
  })

  it('by version keeps the highest of each line by precedence, including pre-releases', () => {
    const { tag } = decideSketch(
      {
        tags: { '1.4.0': 'a', '1.4.1': 'b', '1.4.10': 'c', '1.5.0-rc.1': 'd', 'v1.4.10': 'e' },
        manifests: { a: { age: 1 }, b: { age: 2 }, c: { age: 3 }, d: { age: 4 }, e: { age: 5 } },
      },
      {
        rules: [rule('everything', { days: 0 })],
        protect: [protection(range('>=1.0.0'), { per: 'minor', count: 1 })],
      },
    )
    expect(['1.4.0', '1.4.1', '1.4.10', '1.5.0-rc.1', 'v1.4.10'].map((name) => tag(name).verdict)).toEqual([
      'delete',
      'delete',
      'keep',
      'keep',
      'keep',
    ])
  })

  it('by use keeps a digest without a tag, and a tag', () => {
    const { deleted, plan } = decideSketch(
      {
        tags: { 'pr-1': 'a', 'pr-2': 'index' },
        manifests: { a: {}, index: { children: ['c'] }, c: {} },
        inUse: [
          { at: { digest: digestNamed('c') }, by: 'pods', protection: 'in use' },
          { at: { tag: 'pr-1' }, by: 'file', protection: 'in use' },
          { at: { tag: 'nowhere' }, by: 'file', protection: 'in use' },
        ],
      },
      { rules: [all] },
    )
    expect(deleted).toEqual(['index'])
    expect(plan.roots.toSorted()).toEqual([digestNamed('a'), digestNamed('c')].toSorted())
  })
})

describe('a digest', () => {
  it('is kept if one of its tags is kept, and its other tags are untagged', () => {
    const { deleted, tag } = decideSketch(
      { tags: { 'pr-1': 'a', main: 'a' }, manifests: { a: {} } },
      { rules: [all] },
    )
    expect(deleted).toEqual([':pr-1'])
    expect(tag('pr-1').verdict).toBe('untag')
  })

  it('keeps all of its tags if one is kept and the registry cannot delete a tag', () => {
    const { deleted, tag } = decideSketch(
      { tags: { 'pr-1': 'a', main: 'a' }, manifests: { a: {} }, canUntag: 'no' },
      { rules: [all] },
    )
    expect(deleted).toEqual([])
    expect(tag('pr-1').why.kind).toBe('cannotUntag')
  })

  it('is kept if a kept and a deleted index share it', () => {
    const { deleted } = decideSketch(
      {
        tags: { 'pr-1': 'x', main: 'y' },
        manifests: { x: { children: ['shared', 'own'] }, y: { children: ['shared'] }, shared: {}, own: {} },
      },
      { rules: [all] },
    )
    expect(deleted).toEqual(['x', 'own'])
  })

  it('is deleted after every index that lists it, through all levels', () => {
    const { plan } = decideSketch(
      {
        tags: { 'pr-1': 'outer', 'pr-2': 'other' },
        manifests: {
          leaf: {},
          inner: { children: ['leaf'] },
          other: { children: ['leaf'] },
          outer: { children: ['inner'] },
        },
      },
      { rules: [all] },
    )
    const at = (name: string): number =>
      plan.steps.findIndex((s) => s.kind === 'deleteManifest' && s.target.digest === digestNamed(name))
    expect(at('outer')).toBeLessThan(at('inner'))
    expect(at('inner')).toBeLessThan(at('leaf'))
    expect(at('other')).toBeLessThan(at('leaf'))
    expect(plan.steps[at('leaf')]?.after).toHaveLength(2)
  })
})

describe('an attached artifact', () => {
  it('is deleted after its subject: referrers, and the manifests of the fallback tag and cosign tags', () => {
    const { deleted, plan } = decideSketch(
      {
        tags: { 'pr-1': 'a', [fallbackOf('a')]: 'fallback', [fallbackOf('a', '.sig')]: 'sig' },
        manifests: {
          a: {},
          sbom: { subject: 'a' },
          ofSbom: { subject: 'sbom' },
          fallback: { children: ['sbom'] },
          sig: {},
        },
      },
      { rules: [all] },
    )
    expect(deleted[0]).toBe('a')
    expect(deleted.toSorted()).toEqual(['a', 'fallback', 'ofSbom', 'sbom', 'sig'])
    const lost = plan.steps.flatMap((step) => (step.kind === 'deleteManifest' ? step.losesTags : []))
    expect(lost.toSorted()).toEqual(['pr-1', fallbackOf('a'), fallbackOf('a', '.sig')].toSorted())
  })

  it('of a kept subject is kept, however old it is', () => {
    const { deleted } = decideSketch(
      { tags: { main: 'a', [fallbackOf('a', '.sig')]: 'sig' }, manifests: { a: {}, sig: { age: 900 } } },
      { rules: [rule('everything', { days: 1 })] },
    )
    expect(deleted).toEqual([])
  })

  it('of cosign with a prefix in its tag is kept with its subject, and deleted together with it', () => {
    const everything = rule('everything', { days: 1 })
    const [ofKept, ofDeleted] = [`cve-${fallbackOf('a', '.att')}`, `v1.2.${fallbackOf('b', '.sig')}`]
    const { deleted, tag, plan } = decideSketch(
      {
        tags: { main: 'a', 'pr-1': 'b', [ofKept]: 'att', [ofDeleted]: 'sig' },
        manifests: { a: {}, b: { age: 900 }, att: { age: 900 }, sig: { age: 0 } },
      },
      { rules: [everything] },
    )
    expect(deleted).toEqual(['b', 'sig'])
    expect(tag(ofKept).why.kind).toBe('evidence')
    const lost = plan.steps.flatMap((step) => (step.kind === 'deleteManifest' ? step.losesTags : []))
    expect(lost).toEqual(['pr-1', ofDeleted])
  })

  it('is kept and reported if its subject is gone', () => {
    const { deleted, tag } = decideSketch(
      {
        tags: { [fallbackOf('gone')]: 'list', 'pr-1': 'sbom' },
        manifests: { list: { children: ['sbom'] }, sbom: { subject: 'gone' } },
      },
      { rules: [all] },
    )
    expect(deleted).toEqual([])
    expect(tag(fallbackOf('gone')).why.kind).toBe('evidence')
  })

  it('keeps the children of an untagged index as long as its subject is kept', () => {
    const sketch: RepositorySketch = {
      tags: { main: 'subject', 'pr-1': 'deleted' },
      manifests: {
        subject: {},
        evidence: { subject: 'subject', children: ['child'] },
        deleted: { children: ['child'] },
        child: {},
      },
    }
    expect(decideSketch(sketch, { rules: [all] }).deleted).toEqual(['deleted'])
    const { deleted } = decideSketch(
      { ...sketch, tags: { 'pr-0': 'subject', 'pr-1': 'deleted' } },
      { rules: [all] },
    )
    expect(deleted.toSorted()).toEqual(['child', 'deleted', 'evidence', 'subject'])
  })

  it('that two subjects share is kept with one of them', () => {
    const { deleted } = decideSketch(
      {
        tags: { 'pr-1': 'a', main: 'b', [fallbackOf('a')]: 'empty', [fallbackOf('b')]: 'empty' },
        manifests: { a: {}, b: {}, empty: { children: [] } },
      },
      { rules: [all] },
    )
    expect(deleted).toEqual(['a', `:${fallbackOf('a')}`])
  })

  it('in a cycle is decided', () => {
    const { deleted } = decideSketch(
      {
        tags: { 'pr-1': 'a', [fallbackOf('a')]: 'list', [fallbackOf('list')]: 'a2' },
        manifests: { a: {}, list: { children: ['a', 'a2'] }, a2: { subject: 'list' } },
      },
      { rules: [all] },
    )
    expect(deleted.toSorted()).toEqual(['a', 'a2', 'list'])
  })
})

describe('a manifest of an interrupted run', () => {
  it('is deleted if nothing leads to it any more, and kept if something does', () => {
    const sketch: RepositorySketch = {
      tags: { main: 'index' },
      manifests: { index: { children: ['used'] }, used: {}, left: {}, ofLeft: { subject: 'left' } },
      orphaned: [
        { name: 'left', of: ['gone'] },
        { name: 'used', of: ['gone'] },
      ],
    }
    const { deleted, plan } = decideSketch(sketch, { rules: [all] })
    expect(deleted).toEqual(['left', 'ofLeft'])
    const left = plan.others.find(({ digest }) => digest === digestNamed('left'))
    expect(left?.why.text).toMatch(
      /^orphaned by an interrupted run: part of sha256:\w{12}, which was deleted$/,
    )
  })
})

describe('an attached artifact of an interrupted run', () => {
  it('is deleted with its evidence tag, and kept if that tag has moved', () => {
    const sketch = (tags: readonly string[]): RepositorySketch => ({
      tags: { main: 'a', [fallbackOf('gone', '.sig')]: 'sig' },
      manifests: { a: {}, sig: {} },
      orphaned: [{ name: 'sig', of: ['gone'], tags }],
    })
    expect(decideSketch(sketch([fallbackOf('gone', '.sig')]), { rules: [all] }).deleted).toEqual(['sig'])
    expect(decideSketch(sketch([]), { rules: [all] }).deleted).toEqual([])
  })
})

describe('the sums', () => {
  it('count digests with image tags, and bytes that no kept manifest refers to', () => {
    const { plan } = decideSketch(
      {
        tags: { 'pr-1': 'a', 'pr-2': 'a', main: 'b', [fallbackOf('a', '.sig')]: 'sig' },
        manifests: {
          a: { layers: ['base', 'one', 'one'] },
          b: { layers: ['base'] },
          sig: { layers: [] },
        },
      },
      { rules: [all] },
    )
    expect(plan.count).toEqual({ images: 2, deleted: 1 })
    // the manifest, its config and its own layer; the signature and its config
    expect(plan.freed).toBe(100 + 10 + 10 + 100 + 10)
  })
})
