import type { ManifestView } from '../../usecases/views/inspect/manifest-view.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { escapeText } from '../text/escape.ts'
import { formatDigestOn, formatBytes, formatCount } from '../text/format.ts'
import { narrowPage, renderPairs, renderSection } from '../text/section.ts'
import type { Page } from '../text/style.ts'
import { type Cell, renderTable } from '../text/table.ts'

/**
 * Renders layers, the lowest first, and the config, or the blobs of an artifact. `created` is the
 * time that the head shows.
 */
export function renderContent(
  view: ManifestView,
  created: string | undefined,
  page: Page,
): readonly string[] {
  const { config } = view
  if (config === undefined) return [renderSection('Blobs', renderBlobs(view.layers, page), page)]
  return [
    renderSection('Layers', renderBlobs(view.layers, page), page),
    renderSection(
      'Config',
      view.image === undefined
        ? renderBlobs([config], page)
        : renderPairs(configPairs(view.image, created), narrowPage(page)),
      page,
    ),
  ]
}

function renderBlobs(blobs: readonly Descriptor[], page: Page): string {
  if (blobs.length === 0) return page.style.dim('none')
  const columns = [{ title: '' }, { title: '', align: 'right' as const }, { title: '', flexible: true }]
  const rows = blobs.map(({ digest, size, mediaType }): Cell[] => [
    formatDigestOn(page, digest),
    formatBytes(size),
    escapeText(mediaType),
  ])
  return renderTable(columns, rows, narrowPage(page))
}

function configPairs(
  { settings, author, history, created }: NonNullable<ManifestView['image']>,
  imageCreated: string | undefined,
): readonly (readonly [string, string])[] {
  const { entrypoint, cmd, user, workingDir, exposedPorts, volumes, stopSignal, env } = settings
  const all: readonly (readonly [string, string | undefined])[] = [
    ['entrypoint', entrypoint && JSON.stringify(entrypoint)],
    ['cmd', cmd && JSON.stringify(cmd)],
    ['user', user],
    ['workdir', workingDir],
    ['ports', exposedPorts?.join(', ')],
    ['volumes', volumes?.join(', ')],
    ['stop', stopSignal],
    ...(env ?? []).map((one, i) => [i === 0 ? 'env' : '', one] as const),
    ['created', created === imageCreated ? undefined : created],
    ['author', author],
    ['history', history === 0 ? undefined : formatCount(history, 'step')],
  ]
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}
