// The points of all panels in one WebGL canvas, so that any number of maps takes one context.
// A point has a place here and one there; the graphics processor mixes both while it moves.

const VERTEX = `#version 300 es
in vec3 here; in vec3 there; in vec4 colour; in vec2 form;
uniform mat3 turn; uniform vec3 middle; uniform vec2 centre; uniform vec2 scale;
uniform float depth; uniform float way; uniform float ratio;
out vec4 paint; flat out float shape; flat out float size;
void main() {
  vec3 place = turn * (mix(here, there, way) - middle);
  gl_Position = vec4((place.xy - centre) * scale, -place.z * depth, 1.0);
  size = form.x * ratio;
  gl_PointSize = size;
  paint = colour;
  shape = form.y;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 paint; flat in float shape; flat in float size;
uniform vec3 rim;
out vec4 colour;
void main() {
  vec2 at = abs(2.0 * gl_PointCoord - 1.0);
  float away = shape > 0.5 ? at.x + at.y : length(at);
  float pixel = 2.0 / size;
  float inside = 1.0 - smoothstep(1.0 - pixel, 1.0, away);
  if (inside <= 0.0) discard;
  float edge = shape > 0.5 ? 0.85 * smoothstep(1.0 - 2.0 * pixel, 1.0 - 1.2 * pixel, away) : 0.0;
  float alpha = paint.a * inside;
  colour = vec4(mix(paint.rgb, rim, edge) * alpha, alpha);
}`;
const INPUTS = { here: 3, there: 3, colour: 4, form: 2 };

class PointCloud {
  constructor(canvas, onRestored) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
    if (!this.gl) return;
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.build();
      onRestored();
    });
    this.build();
  }

  build() {
    const { gl } = this;
    this.program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`The maps' shaders do not link: ${gl.getProgramInfoLog(this.program)}`);
    }
    const names = ["turn", "middle", "centre", "scale", "depth", "way", "ratio", "rim"];
    this.uniforms = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(this.program, name)]));
    this.panels = [];
  }

  close() {
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }

  // Make buffers for so many panels; those of panels that are gone are freed.
  keep(count) {
    const { gl } = this;
    while (this.panels.length > count) {
      const { buffers, orders, inputs } = this.panels.pop();
      [...Object.values(buffers), ...orders].forEach((buffer) => gl.deleteBuffer(buffer));
      gl.deleteVertexArray(inputs);
    }
    while (this.panels.length < count) {
      const inputs = gl.createVertexArray();
      gl.bindVertexArray(inputs);
      const buffers = {};
      for (const [name, size] of Object.entries(INPUTS)) {
        buffers[name] = gl.createBuffer();
        gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
        const place = gl.getAttribLocation(this.program, name);
        gl.enableVertexAttribArray(place);
        if (name === "colour") gl.vertexAttribPointer(place, size, gl.UNSIGNED_BYTE, true, 0, 0);
        else gl.vertexAttribPointer(place, size, gl.FLOAT, false, 0, 0);
      }
      const orders = [gl.createBuffer(), gl.createBuffer()];
      this.panels.push({ inputs, buffers, orders, counts: [0, 0] });
    }
    gl.bindVertexArray(null);
  }

  // Places: three numbers a point, here and there.
  place(index, here, there) {
    this.write(index, { here, there });
  }

  // Colours (four bytes a point), forms (size in pixels, and 1 for a diamond), and which points are
  // drawn, the first at the back: all, and a part while they move.
  paint(index, colour, form, all, part = all) {
    const { gl } = this;
    const panel = this.panels[index];
    this.write(index, { colour, form });
    gl.bindVertexArray(panel.inputs);
    [all, part].forEach((order, i) => {
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, panel.orders[i]);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, Uint32Array.from(order), gl.DYNAMIC_DRAW);
      panel.counts[i] = order.length;
    });
    gl.bindVertexArray(null);
  }

  write(index, arrays) {
    const { gl } = this;
    for (const [name, array] of Object.entries(arrays)) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.panels[index].buffers[name]);
      gl.bufferData(gl.ARRAY_BUFFER, array, gl.DYNAMIC_DRAW);
    }
  }

  // Draw panels, each a box in pixels of the page with a camera and how far its points have moved.
  draw(boxes, ratio, rim, isPart = false) {
    const { gl, uniforms, canvas } = this;
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.depthFunc(gl.LEQUAL);
    gl.useProgram(this.program);
    gl.uniform1f(uniforms.ratio, ratio);
    gl.uniform3fv(uniforms.rim, rim);
    boxes.forEach(({ left, top, width, height, camera, way }, i) => {
      const window = [left, canvas.height / ratio - top - height, width, height].map((v) => Math.round(v * ratio));
      gl.viewport(...window);
      gl.scissor(...window);
      const scale = camera.scale(width, height);
      if (camera.isDeep) gl.enable(gl.DEPTH_TEST);
      else gl.disable(gl.DEPTH_TEST);
      gl.uniformMatrix3fv(uniforms.turn, true, camera.turn());
      gl.uniform3fv(uniforms.middle, camera.middle);
      gl.uniform2f(uniforms.centre, camera.x, camera.y);
      gl.uniform2f(uniforms.scale, (2 * scale) / width, (2 * scale) / height);
      gl.uniform1f(uniforms.depth, camera.depth);
      gl.uniform1f(uniforms.way, way);
      const { inputs, orders, counts } = this.panels[i];
      gl.bindVertexArray(inputs);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, orders[Number(isPart)]);
      gl.drawElements(gl.POINTS, counts[Number(isPart)], gl.UNSIGNED_INT, 0);
    });
    gl.bindVertexArray(null);
  }
}
