import type { StatusCell, StatusView } from './status.ts'

/**
 * Returns the view with only the cells that differ from those of an earlier view of the same
 * images and environments; undefined if none differs. Pure.
 */
export function selectChanges(view: StatusView, before: StatusView): StatusView | undefined {
  const images = view.images.flatMap((row, i) => {
    const earlier = before.images[i]?.cells ?? []
    const cells = row.cells.filter((cell, at) => {
      const other = earlier[at]
      return other === undefined || fingerprint(cell) !== fingerprint(other)
    })
    return cells.length === 0 ? [] : [{ ...row, cells }]
  })
  return images.length === 0 ? undefined : { ...view, images }
}

/** Returns the rows with at least one cell that differs, whole. */
export function selectChangedRows(view: StatusView, before: StatusView): StatusView['images'] {
  const changed = new Set(selectChanges(view, before)?.images.map(({ image }) => image))
  return view.images.filter(({ image }) => changed.has(image))
}

/** The text of an error may contain times and counts, which are no change. */
function fingerprint({ error, ...cell }: StatusCell): string {
  return JSON.stringify({ ...cell, error: error?.code })
}
