declare module '*.module.css' {
  /** The module's class names, as its file writes them. */
  const styles: Readonly<Record<string, string>>;
  export default styles;
}

declare module '*.css';
