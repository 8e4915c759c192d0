import type { Setting, SettingOrigin } from '../../config/settings/settings.ts'
import { escapeText } from '../text/escape.ts'
import type { Page } from '../text/style.ts'
import { renderTable } from '../text/table.ts'

/** Formats settings as a table. @param name of the file; undefined: there is none */
export function renderSettings(settings: readonly Setting[], name: string | undefined, page: Page): string {
  const rows = settings.map(({ key, value, origin }) => [
    escapeText(key),
    escapeText(formatValue(value)),
    { text: escapeText(formatOrigin(origin, name)), tone: 'dim' } as const,
  ])
  const columns = [{ title: 'KEY' }, { title: 'VALUE', flexible: true }, { title: 'ORIGIN' }]
  return renderTable(columns, rows, page)
}

function formatValue(value: unknown): string {
  if (value === null) return '-'
  if (Array.isArray(value)) return `[${value.map(String).join(', ')}]`
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function formatOrigin(origin: SettingOrigin, name: string | undefined): string {
  switch (origin.kind) {
    case 'file':
      return `${name ?? ''}:${origin.line}:${origin.column}`
    case 'default':
      return 'default'
    case 'variable':
      return origin.name
    case 'flag':
      return `--${origin.name}`
  }
}
