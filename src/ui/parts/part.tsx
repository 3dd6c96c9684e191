import type { ComponentPropsWithRef, ElementType } from 'react';

type PartProps<T extends ElementType, V extends string> = {
  /** The element that is drawn, where it is another than the part's own. */
  readonly as?: T;
  readonly className?: string | undefined;
} & { readonly [K in V]?: boolean } & Omit<ComponentPropsWithRef<T>, V | 'as' | 'className'>;

/**
 * A look as a component: draws `tag`, or what `as` names, in the class `own`. Each variant is a
 * flag that adds its class; a caller's `className` adds what its own layout asks for.
 */
export function part<D extends ElementType, V extends string = never>(
  tag: D,
  own: string | undefined,
  variants: Readonly<Record<V, string | undefined>> = {} as Record<V, string | undefined>,
) {
  return function Part<T extends ElementType = D>(props: PartProps<T, V>) {
    const { as, className, ...rest } = props as PartProps<ElementType, never>;
    const Tag: ElementType = as ?? tag;
    const classes = [own, className];
    const attributes: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(rest)) {
      if (!Object.hasOwn(variants, name)) attributes[name] = value;
      else if (value === true) classes.push(variants[name as V]);
    }
    return <Tag {...attributes} className={classNames(...classes)} />;
  };
}

/** The classes that there are, as one attribute. */
export function classNames(...names: readonly (string | false | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}
