import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { placementOperations, writtenMetrics } from '../support/metrics/written-metrics.ts'

const folder = join(import.meta.dirname, '..', '..', 'docs', 'monitoring')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}
interface AlertGroup {
  readonly name: string
  readonly rules: readonly AlertRule[]
}
interface DashboardPanel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}
interface Dashboard {
  readonly schemaVersion: number
  readonly id: null
  readonly uid: string
  readonly panels: readonly DashboardPanel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
}

const { groups } = parse(read('alerts.yaml')) as { readonly groups: readonly AlertGroup[] }
const rules = groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(read('grafana-dashboard.json')) as Dashboard
const page = read('README.md')
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...dashboard.annotations.list.map(({ expr }) => ['annotation', expr] as const),
]
/** Prometheus adds it to every sample. */
const added = new Set(['instance', 'job'])

let metrics: ReadonlyMap<string, ReadonlySet<string>>
beforeAll(async () => {
  metrics = await writtenMetrics()
})

const namesIn = (text: string): readonly string[] => text.match(/\bdray_[a-z]+_[a-z_]*[a-z]\b/g) ?? []

/** The labels that selectors, `by` and templates of an expression name. */
function labelsIn(text: string): readonly string[] {
  const selectors = [...text.matchAll(/\{([^{}]*)\}/g)].flatMap(([, inner = '']) =>
    [...inner.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
  )
  const groupings = [...text.matchAll(/\b(?:by|on|without|ignoring) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  )
  return [...selectors, ...groupings].filter((label) => label !== '')
}

describe('the alert rules', () => {
  it('have the structure of a Prometheus rule file', () => {
    expect(Object.keys(parse(read('alerts.yaml')) as object)).toEqual(['groups'])
    expect(groups.map(({ name }) => name)).toEqual([
      'dray-prune',
      'dray-sync',
      'dray-promote',
      'dray-watch',
      'dray-usage',
    ])
    for (const rule of rules) {
      const keys = Object.keys(rule).filter((key) => key !== 'for')
      expect(keys, rule.alert).toEqual(['alert', 'expr', 'labels', 'annotations'])
      expect(rule.alert).toMatch(/^Dray[A-Za-z]+$/)
      expect(rule.for ?? '1m').toMatch(/^\d+[smhdw]$/)
      expect(['warning', 'info']).toContain(rule.labels['severity'])
      expect(Object.keys(rule.annotations)).toEqual(['summary', 'description'])
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  })

  it('use only labels of their metrics in templates', () => {
    for (const { alert, expr, annotations } of rules) {
      const known = new Set([...namesIn(expr).flatMap((name) => [...(metrics.get(name) ?? [])]), ...added])
      const used = Object.values(annotations).flatMap((text) =>
        [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label),
      )
      expect(
        used.filter((label) => !known.has(label)),
        alert,
      ).toEqual([])
    }
  })

  it('are all described on the page, which describes no others', () => {
    const described = page.match(/`Dray[A-Za-z]+`/g) ?? []
    expect(described.map((name) => name.slice(1, -1)).toSorted()).toEqual(
      rules.map(({ alert }) => alert).toSorted(),
    )
  })

  const hasPromtool = spawnSync('promtool', ['--version']).error === undefined
  it.skipIf(!hasPromtool)('are accepted by promtool', () => {
    const { status, stdout } = spawnSync('promtool', ['check', 'rules', join(folder, 'alerts.yaml')])
    expect([status, stdout.toString()]).toEqual([0, expect.stringContaining('SUCCESS')])
  })
})

describe('the dashboard', () => {
  it('can be imported with any Prometheus data source', () => {
    expect(dashboard).toMatchObject({ id: null, uid: 'dray', schemaVersion: 39 })
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['instance', 'query'],
    ])
    const sources = [...read('grafana-dashboard.json').matchAll(/"uid": "([^"]*)"/g)].map(([, uid]) => uid)
    expect(new Set(sources)).toEqual(new Set(['${datasource}', 'dray']))
  })

  it('has a row for each command, and panels with a title, a description and a place of their own', () => {
    const titles = dashboard.panels.flatMap(({ type, title }) => (type === 'row' ? [title] : []))
    expect(titles).toEqual(['Prune', 'Sync', 'Promote', 'Watch', 'Usage'])
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    const taken = new Set<string>()
    const undescribed = dashboard.panels.filter(
      ({ type, description = '' }) => type !== 'row' && !description.endsWith('.'),
    )
    expect(undescribed.map(({ title }) => title)).toEqual([])
    for (const { title, gridPos } of dashboard.panels) {
      const { x, y, w, h } = gridPos
      expect(x + w, title).toBeLessThanOrEqual(24)
      for (let i = x; i < x + w; i++)
        for (let j = y; j < y + h; j++) {
          expect(taken.has(`${i} ${j}`), title).toBe(false)
          taken.add(`${i} ${j}`)
        }
    }
  })
})

describe('the metrics', () => {
  it('of alerts and panels are written by dray, with the labels that they name', () => {
    const problems = expressions.flatMap(([title, expr]) => {
      const names = namesIn(expr)
      const known = new Set([...names.flatMap((name) => [...(metrics.get(name) ?? [])]), ...added])
      const wrong = [
        ...names.filter((name) => !metrics.has(name)),
        ...labelsIn(expr).filter((label) => !known.has(label)),
      ]
      return names.length === 0 ? [`${title}: no metric`] : wrong.map((one) => `${title}: ${one}`)
    })
    expect(problems).toEqual([])
    expect(expressions.length).toBeGreaterThan(50)
  })

  it('that dray writes are all on the page, which names no others', () => {
    const others = placementOperations.filter((one) => one !== 'promote')
    const own = [...metrics.keys()].filter((name) => !others.some((one) => name.startsWith(`dray_${one}_`)))
    for (const one of placementOperations) expect(page).toContain(`\`dray_${one}_\``)
    const described = page.match(/`dray_[a-z]+_[a-z_]*[a-z]`/g) ?? []
    expect(new Set(described.map((name) => name.slice(1, -1)))).toEqual(new Set(own))
  })

  it('of all operations on images have the same names and labels', () => {
    const ofPromote = [...metrics].filter(([name]) => name.startsWith('dray_promote_'))
    for (const one of placementOperations)
      for (const [name, labels] of ofPromote)
        expect(metrics.get(name.replace('promote', one)), one).toEqual(labels)
  })
})
