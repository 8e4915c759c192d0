import type { PlacementOperation, Plan } from '../plan/plan.ts'
import { formatCount } from './text/format.ts'
import { formatEndName } from './placement-end.ts'

const verbs: Readonly<Record<PlacementOperation, { readonly verb: string; readonly preposition: string }>> = {
  promote: { verb: 'Promote', preposition: 'to' },
  copy: { verb: 'Copy', preposition: 'to' },
  tag: { verb: 'Tag', preposition: 'in' },
  rollback: { verb: 'Roll back', preposition: 'in' },
  sync: { verb: 'Copy', preposition: 'to' },
  bundle: { verb: 'Copy', preposition: 'to' },
  gitops: { verb: 'Edit', preposition: 'in' },
}

/** The confirmation of a plan: `Promote 2 images to prod?` */
export function placementQuestion({ operation, placements, steps }: Plan): string {
  const { verb, preposition } = verbs[operation]
  const changing = new Set(steps.map(({ placement }) => placement))
  const changed = placements.filter(({ id }) => changing.has(id))
  const images = new Set(changed.map(({ image }) => image))
  const names = new Set(changed.map(({ to }) => formatEndName(to)))
  const [first = '', second] = names
  const where = second === undefined ? first : formatCount(names.size, 'repository', 'repositories')
  return `${verb} ${formatCount(images.size, 'image')} ${preposition} ${where}?`
}
