type GlobStep = { readonly literal: string } | { readonly crossesSlash: boolean }

/**
 * Whether the whole subject matches a glob: `*` matches any characters except `/`, `**` any
 * characters, `{image}` the name of the image, and every other character itself. Takes time in the
 * product of the lengths at most.
 */
export function matchesSubject(glob: string, image: string, subject: string): boolean {
  const steps = stepsOf(glob, image)
  let reached = withSkippedStars(steps, new Set([0]))
  for (const character of subject) {
    const next = [...reached].flatMap((at) => {
      const step = steps[at]
      if (step === undefined) return []
      if ('literal' in step) return step.literal === character ? [at + 1] : []
      return step.crossesSlash || character !== '/' ? [at] : []
    })
    reached = withSkippedStars(steps, new Set(next))
  }
  return reached.has(steps.length)
}

function stepsOf(glob: string, image: string): readonly GlobStep[] {
  return glob.split(/(\{image\}|\*\*|\*)/).flatMap((part, i): readonly GlobStep[] => {
    // Odd parts are what separates the others.
    if (i % 2 === 1 && part !== '{image}') return [{ crossesSlash: part === '**' }]
    return Array.from(i % 2 === 1 ? image : part, (literal) => ({ literal }))
  })
}

/** A star also matches nothing. */
function withSkippedStars(steps: readonly GlobStep[], reached: ReadonlySet<number>): ReadonlySet<number> {
  const all = new Set(reached)
  // A set also visits what is added while it is read.
  for (const at of all) {
    const step = steps[at]
    if (step !== undefined && !('literal' in step)) all.add(at + 1)
  }
  return all
}
